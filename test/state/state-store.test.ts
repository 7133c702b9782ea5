import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { StateStore, type CommittedEvent } from '../../daemon/state/state-store.js';

describe('StateStore', () => {
  let home: string;
  let store: StateStore;

  beforeEach(() => {
    home = mkdtempSync(join(tmpdir(), 'hive-state-'));
    store = new StateStore(join(home, 'state.db'));
  });

  afterEach(() => {
    if (store.db.open) store.close();
    rmSync(home, { recursive: true, force: true });
  });

  const stopped = (service: string) => ({ type: 'service.stopped', service, instance: `${service}#1` }) as const;

  it('numbers events without a gap, in the order in which they were given, over several writers of one turn', async () => {
    const seqs = await Promise.all([1, 2, 3].map((n) => store.commit((tx) => [tx.append(stopped(`a:s${n}`)).seq, tx.append(stopped(`a:s${n}`)).seq])));
    expect(seqs.flat()).toEqual([1, 2, 3, 4, 5, 6]);
  });

  it('writes everything of one turn in one transaction', async () => {
    const commits: (readonly CommittedEvent[])[] = [];
    store.onCommitted((events) => commits.push(events));
    await Promise.all([1, 2, 3].map((n) => store.commit((tx) => tx.append(stopped(`a:s${n}`)))));
    expect(commits.map((events) => events.length)).toEqual([3]);
  });

  it('lets one refused wish fail alone, and hands its numbers to the next', async () => {
    const refused = store.commit((tx) => {
      tx.append(stopped('a:refused'));
      throw new Error('refused');
    });
    const accepted = store.commit((tx) => tx.append(stopped('a:accepted')));
    await expect(refused).rejects.toThrow('refused');
    expect((await accepted).seq).toBe(1);
    expect(store.db.prepare('SELECT service FROM events').pluck().all()).toEqual(['a:accepted']);
  });

  it('gives an event the number of another as its cause, also before that one is written', async () => {
    const first = { seq: 0 };
    void store.record((tx) => { first.seq = tx.append(stopped('a:first')).seq; });
    await store.record((tx) => tx.append(stopped('a:second'), first));
    const bodies = store.db.prepare('SELECT body FROM events ORDER BY seq').pluck().all() as string[];
    expect(JSON.parse(bodies[1] ?? '')).toMatchObject({ seq: 2, cause: 1 });
  });

  it('fails a wish with STORAGE_FAILED when the disk is full, keeps facts, and writes them when there is room again', async () => {
    await store.commit((tx) => tx.append(stopped('a:before')));
    const pages = store.db.pragma('page_count', { simple: true }) as number;
    store.db.pragma(`max_page_count = ${pages}`);
    const long = 'x'.repeat(200_000);
    const troubles: (string | null)[] = [];
    store.onTrouble((error) => troubles.push(error === null ? null : error.message));
    const fact = store.record((tx) => tx.append({ ...stopped('a:fact'), unknown: long, exitCode: null, signal: null }));
    await expect(store.commit((tx) => tx.append({ ...stopped('a:wish'), unknown: long, exitCode: null, signal: null }))).rejects.toMatchObject({ code: 'STORAGE_FAILED' });
    expect(store.seq).toBe(1);
    store.db.pragma('max_page_count = 1000000');
    expect((await fact).seq).toBe(2);
    expect(troubles).toHaveLength(2);
    expect(troubles[1]).toBeNull();
  });

  it('goes on with the numbers and the epoch of the journal it finds, even when all events were pruned', async () => {
    await store.commit((tx) => tx.append(stopped('a:s')));
    const { epoch } = store;
    store.db.exec("DELETE FROM events; INSERT INTO meta VALUES ('head', '1')");
    store.close();
    store = new StateStore(join(home, 'state.db'));
    expect(store.epoch).toBe(epoch);
    expect((await store.commit((tx) => tx.append(stopped('a:s')))).seq).toBe(2);
  });

  it('refuses a state of a newer Hive with a sentence', () => {
    store.db.pragma('user_version = 999');
    store.close();
    expect(() => new StateStore(join(home, 'state.db'))).toThrow(/newer Hive/);
  });
});

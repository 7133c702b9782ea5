import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Change, Service } from '../../shared/protocol/results.js';
import { eventsOf, journalOf } from '../support/journal.js';
import { seededRandom } from '../support/seeded-random.js';
import { TestHive } from '../support/test-hive.js';
import { until } from '../support/until.js';

const rounds = 14;

/** Choices for each field of a service; the first of them leaves it out. */
const fields: readonly (readonly string[])[] = [
  ['runner: {type: script, script: {run: exec sleep 1000}}', 'runner: {type: script, script: {run: exec sleep 2000}}'],
  ['', 'environment: {static: {GREETING: hello}}', 'environment: {static: {GREETING: hi}}'],
  ['', '', 'limits: {open_files: 100}', 'limits: {open_files: 200}'],
  ['', '', 'hooks: {pre-up: [{run: "true"}]}', 'hooks: {pre-down: [{run: "true"}], post-up: [{run: "true"}]}'],
  ['', '', 'rollout: {type: recreate, recreate: {ports: {http: auto}}}', 'rollout: {type: recreate, recreate: {ports: {http: auto, admin: auto}}}'],
  ['', 'restart: {policy: always, delay: 20ms}'],
  ['', 'healthcheck: {type: cmd, cmd: {command: "true", interval: 50ms}}'],
  ['', '', 'instances: 2'],
  ['', 'stop: {grace: 2s}'],
  ['', 'logs: {max_size: 1MB}', 'labels: {team: billing}'],
];

let hive: TestHive;
beforeEach(async () => {
  hive = await TestHive.started();
});
afterEach(() => hive.end());

/** The processes of each service, by instance. */
async function pids(): Promise<Map<string, ReadonlyMap<string, number | undefined>>> {
  const { services } = await hive.client.listServices({ source: 'shop' });
  return new Map(services.map(({ fqn, instances }) => [fqn, new Map(instances.map(({ id, pid }) => [id, pid]))]));
}

/** The changes of every reload so far that had some. */
const changesTold = async (): Promise<Change[][]> => eventsOf(await journalOf(hive.client, ['source.changed']), 'source.changed').map(({ changes }) => changes as Change[]).filter((changes) => changes.length > 0);

const isUp = ({ state, instances }: Service, count: number): boolean => state === 'running' && instances.length === count && instances.every(({ pid }) => pid !== undefined);

describe('over generated changes to a file whose services run', () => {
  it('a reload does to their processes what the plan said, and nothing else', async () => {
    const random = seededRandom(8);
    const pick = <T>(choices: readonly T[]): T => choices[Math.floor(random() * choices.length)] as T;
    const generate = (): { text: string; counts: Map<string, number> } => {
      const names = ['a', 'b', 'c', 'd', 'e'].filter(() => random() < 0.8);
      const services = names.map((name) => ({ name, body: fields.map(pick).filter((field) => field !== '') }));
      const text = `version: "1"\nservices:${services.length === 0 ? ' {}' : ''}\n${services.map(({ name, body }) => `  ${name}: {${body.join(', ')}}`).join('\n')}\n`;
      return { text, counts: new Map(services.map(({ name, body }) => [`shop:${name}`, body.includes('instances: 2') ? 2 : 1])) };
    };
    const settled = async (counts: ReadonlyMap<string, number>): Promise<void> => {
      for (const [fqn, count] of counts) await hive.serviceWhen(fqn, (service) => isUp(service, count));
    };

    const first = generate();
    const folder = await hive.addSource('shop', first.text);
    const file = join(folder, '.adi/hive.yaml');
    await hive.client.startService({ source: 'shop' });
    await settled(first.counts);
    let before = await pids();
    let foreseen = 0;
    for (let round = 1; round <= rounds; round += 1) {
      const { text, counts } = generate();
      const known = (await changesTold()).length;
      writeFileSync(`${file}.new`, text);
      renameSync(`${file}.new`, file);
      const plan = await hive.client.planSource({ name: 'shop' });
      expect(plan.problems).toEqual([]);
      await hive.client.reloadSource({ name: 'shop' });
      const done = (await changesTold()).slice(known);
      expect(done.length).toBeLessThan(2);
      const actual = done[0] ?? [];
      // Where the watch on the file was faster, nothing was left to plan.
      if (plan.changes.length > 0) {
        expect(plan.changes).toEqual(actual);
        foreseen += 1;
      }

      await settled(counts);
      const of = (action: Change['action']): string[] => actual.filter((change) => change.action === action).map(({ service }) => service);
      const replaced = of('replace');
      for (const fqn of replaced) await hive.serviceWhen(fqn, (now) => isUp(now, counts.get(fqn) ?? 0) && now.instances.every(({ id, pid }) => before.get(fqn)?.get(id) !== pid));
      const after = await until(async () => {
        const now = await pids();
        return of('remove').some((fqn) => now.has(fqn)) ? undefined : now;
      }, 'what was removed to be gone');
      expect([...after.keys()].sort()).toEqual([...counts.keys()].sort());
      expect(of('add').filter((fqn) => before.has(fqn))).toEqual([]);
      for (const [fqn, processes] of after) {
        const old = before.get(fqn);
        if (replaced.includes(fqn) || old === undefined) continue;
        for (const [id, pid] of processes) if (old.has(id)) expect({ id, pid, round }).toEqual({ id, pid: old.get(id), round });
      }
      before = after;
    }
    expect(foreseen).toBeGreaterThan(rounds / 2);
  }, 120_000);
});

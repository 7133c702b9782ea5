import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Pauses } from '../../plugins/autoscaler/pauses.js';

const chosen = { by: 'the operator', since: '2026-01-01T00:00:00.000Z', instances: 3 };

describe('pauses', () => {
  let folder: string;
  const complaints: string[] = [];
  const open = () => Pauses.open(folder, (sentence) => complaints.push(sentence));
  beforeEach(() => { folder = mkdtempSync(join(tmpdir(), 'hive-pauses-')); });
  afterEach(() => rmSync(folder, { recursive: true }));

  it('are there again in the next process, and so is what was resumed', async () => {
    const pauses = await open();
    await Promise.all(['a:one', 'a:two', 'a:three'].map((fqn) => pauses.pause(fqn, chosen)));
    await pauses.resume('a:two');
    const next = await open();
    expect(next.services).toEqual(['a:one', 'a:three']);
    expect(next.of('a:one')).toEqual(chosen);
    expect([next.of('a:two'), next.of('toString'), next.of('__proto__')]).toEqual([null, null, null]);
    expect(readdirSync(folder)).toEqual(['pauses.json']);
  });

  it('know which event they come from, so that one that is delivered again does not undo a resume', async () => {
    const pauses = await open();
    await pauses.pause('a:one', chosen, { epoch: 'e', seq: 7 });
    await pauses.resume('a:one');
    const next = await open();
    expect([next.wasSeen({ epoch: 'e', seq: 7 }), next.wasSeen({ epoch: 'e', seq: 6 }), next.wasSeen({ epoch: 'e', seq: 8 }), next.wasSeen({ epoch: 'other', seq: 7 })]).toEqual([true, true, false, false]);
  });

  it('that cannot be read are none, with a word about it', async () => {
    writeFileSync(join(folder, 'pauses.json'), '{"paused": {"a');
    expect((await open()).services).toEqual([]);
    expect(complaints).toEqual([expect.stringContaining('cannot be read')]);
  });
});

import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { rmSync } from 'node:fs';
import path from 'node:path';
import type { RunningInstance } from '../../daemon/runner/runner.js';
import { removeRecord } from '../../daemon/runner/script/record-file.js';
import { HiveError } from '../../shared/errors/hive-error.js';
import { TestingHome, until } from './testing-home.js';

let home: TestingHome;
beforeEach(() => {
  home = new TestingHome();
});
afterEach(() => home.dispose());

/** A service is known by its environment once it has executed its command; a launch resolves when it is forked. */
const servicesOnceUp = async (): Promise<number[]> => {
  const services = await until('a service is up and every shim has one', () => {
    const found = home.services();
    return found.length > 0 && found.length >= home.shims().length ? found : null;
  });
  return services.map(({ pid }) => pid);
};

describe('two daemons on one home', () => {
  it('start an instance once between them, fifty times', async () => {
    const runners = [home.runner(), home.runner()];
    for (const runner of runners) await runner.adopt();
    let wins = 0;
    for (let round = 0; round < 50; round += 1) {
      const outcomes = await Promise.allSettled(runners.map((runner) => runner.launch(home.request('web', 'exec sleep 1000'))));
      const won = outcomes.flatMap((outcome) => (outcome.status === 'fulfilled' ? [outcome.value] : []));
      const lost = outcomes.flatMap((outcome): unknown[] => (outcome.status === 'rejected' ? [outcome.reason] : []));
      expect(won.length).toBe(1);
      expect(lost.map((error) => (error instanceof HiveError ? error.code : error))).toEqual(['CONFLICT']);
      const winner = won[0] as RunningInstance;
      expect(await servicesOnceUp()).toEqual([winner.pid]);
      if (outcomes[0]?.status === 'fulfilled') wins += 1;
      const runner = outcomes[0]?.status === 'fulfilled' ? runners[0] : runners[1];
      await runner?.stop(winner, { signal: 'SIGKILL', graceMs: 0 });
      await runner?.forget(winner.ref, winner.incarnation);
    }
    console.log(`two daemons, 50 rounds: ${wins} to ${50 - wins}`);
  });

  it('start it once, also when both first clear away a dead one', async () => {
    const runners = [home.runner(), home.runner()];
    for (const runner of runners) await runner.adopt();
    for (let round = 0; round < 50; round += 1) {
      const dead = await runners[round % 2]?.launch(home.request('web', 'exec sleep 1000'));
      if (dead === undefined) throw new Error('not launched');
      process.kill(dead.shimPid ?? 0, 'SIGKILL');
      process.kill(dead.pid, 'SIGKILL');
      await until('both are gone', () => home.services().length === 0 && home.shims().length === 0);
      const outcomes = await Promise.allSettled(
        runners.map(async (runner) => {
          await runner.forget(dead.ref, dead.incarnation);
          return runner.launch(home.request('web', 'exec sleep 1000'));
        }),
      );
      const won = outcomes.flatMap((outcome) => (outcome.status === 'fulfilled' ? [outcome.value] : []));
      expect(won.length).toBe(1);
      expect(await servicesOnceUp()).toEqual([won[0]?.pid]);
      const runner = outcomes[0]?.status === 'fulfilled' ? runners[0] : runners[1];
      const winner = won[0] as RunningInstance;
      await runner?.stop(winner, { signal: 'SIGKILL', graceMs: 0 });
      await runner?.forget(winner.ref, winner.incarnation);
    }
  });
});

describe('the lock', () => {
  it('is held by the run folder alone: whatever else is deleted, nothing is started twice', async () => {
    const first = home.runner();
    await first.adopt();
    const instance = await first.launch(home.request('web', 'exec sleep 1000'));
    await first.close();
    rmSync(path.join(home.folder, 'run/.exits'));
    const second = home.runner();
    // A daemon that lost its state and does not even adopt.
    await expect(second.launch(home.request('web', 'exec sleep 1000'))).rejects.toMatchObject({ code: 'CONFLICT' });
    expect(await servicesOnceUp()).toEqual([instance.pid]);
  });

  it('stays with whoever has it when another was to be removed', async () => {
    const runner = home.runner();
    await runner.adopt();
    const instance = await runner.launch(home.request('web', 'exec sleep 1000'));
    removeRecord(home.runFolder('web'), 'an-earlier-one');
    removeRecord(home.runFolder('web'), null);
    expect(home.record('web')).toContain(instance.incarnation);
    process.kill(instance.pid, 'SIGTERM');
    await until('its end is told', () => runner.exits.length === 1);
    expect(runner.exits[0]?.exit).toEqual({ kind: 'signal', signal: 'SIGTERM' });
  });
});

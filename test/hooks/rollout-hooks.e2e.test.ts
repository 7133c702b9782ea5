import { afterEach, describe, expect, it } from '@jest/globals';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Load } from '../../examples/deploys/load/load.js';
import { kinds } from '../../examples/deploys/load/exchanges.js';
import { journalOf } from '../support/journal.js';
import { StackUnderLoad, type Strategy } from '../support/stack-under-load.js';
import { until } from '../support/until.js';

/** Each step tells which hook it is, of which version and which instance, and waits while there is a file `hold.<hook>`. */
const telling = 'echo "$HIVE_HOOK_EVENT $VERSION $HIVE_INSTANCE ${HIVE_ROLLOUT_COLOR-none}" >> story; while [ -e hold.$HIVE_HOOK_EVENT ]; do sleep 0.02; done; [ ! -e bad.$HIVE_HOOK_EVENT ]';
const hooks = JSON.stringify(Object.fromEntries(['pre-up', 'post-up', 'pre-down', 'post-down'].map((name) => [name, [{ run: telling }]])));

describe('hooks of a deploy', () => {
  let stack: StackUnderLoad;
  let load: Load | null = null;
  afterEach(async () => {
    await load?.stop();
    load = null;
    await stack.hive.end();
  });

  const start = async (strategy: Strategy): Promise<void> => {
    stack = await StackUnderLoad.started({ strategy, hooks });
    await stack.hive.client.waitForService({ fqn: 'app:web', for: 'healthy' });
  };
  const story = (): string[] => (existsSync(join(stack.folder, 'story')) ? readFileSync(join(stack.folder, 'story'), 'utf8').split('\n').slice(0, -1) : []);
  const mark = (name: string): void => writeFileSync(join(stack.folder, name), '');
  const unmark = async (name: string): Promise<void> => {
    const { rm } = await import('node:fs/promises');
    await rm(join(stack.folder, name));
  };

  it('run once around the exchange of the instances, on behalf of the new ones and of the old', async () => {
    await start('blue-green');
    expect(story()).toEqual(['pre-up v0 1 blue', 'post-up v0 1 blue']);
    await stack.deploy();
    expect(story().slice(2)).toEqual(['pre-up v1 2 green', 'post-up v1 2 green', 'pre-down v0 1 blue', 'post-down v0 1 blue']);
    await stack.hive.client.stopService({ fqn: 'app:web' });
    await stack.hive.client.waitForService({ fqn: 'app:web', for: 'stopped' });
    expect(story().slice(6)).toEqual(['pre-down v1 2 green', 'post-down v1 2 green']);
  });

  it.each<Strategy>(['blue-green', 'rolling'])('%s: are the gate before the switch; where they fail, what served goes on with 0 failed requests', async (strategy) => {
    await start(strategy);
    load = stack.load();
    await stack.deploy();
    mark('bad.post-up');
    await stack.begin();
    await expect(stack.finished()).rejects.toMatchObject({ code: 'SERVICE_FAILED', message: expect.stringMatching(/failed while running step 1 of the post-up hook: its post-up hook exited with code 1/) });
    expect(await stack.answer()).toBe('v1');
    const failed = (await journalOf(stack.hive.client, ['rollout.failed', 'rollout.switched', 'hook.failed'])).map(({ type }) => type);
    expect(failed.slice(-2)).toEqual(['hook.failed', 'rollout.failed']);
    await unmark('bad.post-up');
    await stack.deploy();
    expect(await stack.answer()).toBe('v3');
    const { failures, done } = await load.stop();
    load = null;
    expect(failures).toEqual([]);
    for (const kind of kinds) expect([kind, done[kind] > 0]).toEqual([kind, true]);
    expect(story().filter((line) => line.startsWith('post-up')).map((line) => line.split(' ')[1])).toEqual(['v0', 'v1', 'v2', 'v3']);
    expect(story().filter((line) => line.startsWith('pre-down'))).toHaveLength(2);
  }, 90_000);

  it('a daemon that is killed at each of them is followed by one that runs it again and goes on, with 0 failed requests', async () => {
    await start('blue-green');
    load = stack.load({ request: 2, connection: 1 });
    for (const hook of ['pre-up', 'post-up', 'pre-down', 'post-down']) {
      mark(`hold.${hook}`);
      const before = story().length;
      const version = await stack.begin();
      const seen = (times: number): Promise<true> => until(() => (story().slice(before).filter((line) => line.startsWith(`${hook} `)).length >= times ? true : undefined), `${hook} (${times})`);
      await seen(1);
      const { rollout } = await stack.hive.service('app:web');
      expect(rollout.phase).toBe(`running step 1 of the ${hook} hook`);
      await stack.hive.restartAfterKill();
      await seen(2);
      await unmark(`hold.${hook}`);
      await stack.proxyListens();
      await stack.finished();
      expect(await stack.answer()).toBe(`v${version}`);
      expect(story().slice(before).map((line) => line.split(' ')[0])).toEqual(['pre-up', 'post-up', 'pre-down', 'post-down'].flatMap((one) => (one === hook ? [one, one] : [one])));
    }
    const { failures } = await load.stop();
    load = null;
    expect(failures).toEqual([]);
  }, 90_000);

  it('a stop while one runs ends the deploy and the hook', async () => {
    await start('blue-green');
    mark('hold.post-up');
    await stack.begin();
    await until(() => (story().some((line) => line.startsWith('post-up v1')) ? true : undefined), 'the hook to run');
    await stack.hive.client.stopService({ fqn: 'app:web' });
    await stack.hive.client.waitForService({ fqn: 'app:web', for: 'stopped' });
    expect(story().slice(-2)).toEqual(['pre-down v0 1 blue', 'post-down v0 1 blue']);
    expect((await stack.hive.service('app:web')).instances.map(({ id }) => id)).toEqual(['app:web#1', 'app:web#3']);
  });
});

import { afterEach, describe, expect, it } from '@jest/globals';
import { hook, Hooked, oneService, says, waits } from './hooked.js';

const all = {
  'pre-up': hook(says('one'), waits('before')),
  'post-up': hook(says('three'), waits('after')),
  'pre-down': hook(says('five'), waits('leaving')),
  'post-down': hook(says('seven'), waits('left')),
};

describe('a daemon that is killed while a hook runs', () => {
  let hooked: Hooked;
  afterEach(() => hooked.end());

  const start = async (open: readonly string[]): Promise<void> => {
    hooked = await Hooked.started(oneService(all));
    for (const name of open) hooked.touch(`${name}.go`);
    await hooked.hive.client.startSource({ name: 'app' });
  };

  it('before the start: the step is stopped and run again, the one before it is not', async () => {
    await start(['after', 'leaving', 'left']);
    await hooked.tells('before');
    await hooked.hive.restartAfterKill();
    await hooked.tells('before', 2);
    hooked.touch('before.go');
    await hooked.up();
    expect(hooked.story()).toEqual(['one', 'before', 'before.term', 'before', 'run', 'three', 'after']);
  });

  it('after the start: the service is taken over, and its hook run again', async () => {
    await start(['before', 'leaving', 'left']);
    await hooked.tells('after');
    const { instances } = await hooked.hive.service('app:web');
    await hooked.hive.restartAfterKill();
    await hooked.tells('after', 2);
    hooked.touch('after.go');
    const up = await hooked.up();
    expect(up.instances[0]?.pid).toBe(instances[0]?.pid);
    expect(hooked.story()).toEqual(['one', 'before', 'run', 'three', 'after', 'after.term', 'after']);
    // Once it is up, the next daemon has nothing to run.
    await hooked.hive.restartAfterKill();
    await hooked.up();
    expect(hooked.story()).toHaveLength(7);
  });

  it('before the stop: the service runs on until its hook is through', async () => {
    await start(['before', 'after', 'left']);
    await hooked.up();
    await hooked.hive.client.stopService({ fqn: 'app:web' });
    await hooked.tells('leaving');
    await hooked.hive.restartAfterKill();
    await hooked.tells('leaving', 2);
    expect((await hooked.hive.service('app:web')).state).toBe('running');
    hooked.touch('leaving.go');
    await hooked.down();
    expect(hooked.story().slice(5)).toEqual(['five', 'leaving', 'leaving.term', 'leaving', 'TERM', 'seven', 'left']);
  });

  it('after the stop of a restart: the restart goes on', async () => {
    await start(['before', 'after', 'leaving']);
    await hooked.up();
    await hooked.hive.client.restartService({ fqn: 'app:web' });
    await hooked.tells('left');
    await hooked.hive.restartAfterKill();
    await hooked.tells('left', 2);
    hooked.touch('left.go');
    await hooked.up();
    expect(hooked.story().slice(5)).toEqual(['five', 'leaving', 'TERM', 'seven', 'left', 'left.term', 'left', 'one', 'before', 'run', 'three', 'after']);
  });

  it('while nobody wants the service any more: what is left of the hook is stopped, and nothing is run', async () => {
    await start(['after', 'leaving', 'left']);
    await hooked.tells('before');
    await hooked.hive.client.stopService({ fqn: 'app:web' });
    await hooked.hive.restartAfterKill();
    await hooked.tells('before.term');
    await hooked.down();
    expect(hooked.story()).toEqual(['one', 'before', 'before.term']);
  });

  it('at its every moment, six times: never two at once, and every hook in the end', async () => {
    const guarded = (name: string): string => `mkdir busy || echo DOUBLED >> story; trap 'rmdir busy; exit 1' TERM; sleep 0.1; rmdir busy; ${says(name)}`;
    hooked = await Hooked.started(oneService({ 'pre-up': hook(guarded('pre-up')), 'post-up': hook(guarded('post-up')), 'pre-down': hook(guarded('pre-down')), 'post-down': hook(guarded('post-down')) }));
    await hooked.hive.client.startSource({ name: 'app' });
    for (let round = 0; round < 6; round += 1) {
      await new Promise((resolve) => setTimeout(resolve, 37 * round));
      await hooked.hive.restartAfterKill();
      if (round % 2 === 1) await hooked.hive.client.restartService({ fqn: 'app:web' });
    }
    await hooked.up();
    await hooked.hive.client.stopService({ fqn: 'app:web' });
    await hooked.down();
    const story = hooked.story();
    expect(story).not.toContain('DOUBLED');
    expect(story.slice(-3)).toEqual(['pre-down', 'TERM', 'post-down']);
    // Each stop has its hook before it, and each start.
    story.forEach((word, index) => {
      if (word === 'TERM') expect(story.slice(0, index).lastIndexOf('pre-down')).toBeGreaterThan(story.slice(0, index).lastIndexOf('run'));
      if (word === 'run') expect(story.slice(0, index).lastIndexOf('pre-up')).toBeGreaterThan(story.slice(0, index).lastIndexOf('TERM'));
    });
  });
});

import { afterEach, describe, expect, it } from '@jest/globals';
import { journalOf } from '../support/journal.js';
import { markedInProc } from '../support/marked-in-proc.js';
import { until } from '../support/until.js';
import { hook, Hooked, oneService, says, script, tellingService, waits } from './hooked.js';

const all = { 'pre-up': hook(says('pre-up')), 'post-up': hook(says('post-up')), 'pre-down': hook(says('pre-down')), 'post-down': hook(says('post-down')) };

describe('hooks of a service', () => {
  let hooked: Hooked;
  afterEach(() => hooked.end());

  const start = async (yaml: string): Promise<void> => {
    hooked = await Hooked.started(yaml);
    await hooked.hive.client.startSource({ name: 'app' });
  };

  it('run once around a start, a stop and a restart, and neither for a crash nor for more instances', async () => {
    await start(oneService(all));
    const { instances } = await hooked.up();
    expect(hooked.story()).toEqual(['pre-up', 'run', 'post-up']);

    process.kill(instances[0]?.pid ?? 0, 'SIGKILL');
    await hooked.tells('run', 2);
    await hooked.hive.client.scaleService({ fqn: 'app:web', instances: 2 });
    await hooked.hive.serviceWhen('app:web', ({ instances: now }) => now.length === 2 && now.every(({ state }) => state === 'running'));
    expect(await hooked.tells('run', 3)).toEqual(['pre-up', 'run', 'post-up', 'run', 'run']);
    await hooked.hive.client.scaleService({ fqn: 'app:web', instances: 1 });
    await hooked.hive.serviceWhen('app:web', ({ instances: now }) => now.length === 1);

    const before = hooked.story().length;
    await hooked.hive.client.restartService({ fqn: 'app:web' });
    await hooked.up();
    expect(hooked.story().slice(before)).toEqual(['pre-down', 'TERM', 'post-down', 'pre-up', 'run', 'post-up']);

    await hooked.hive.client.stopService({ fqn: 'app:web' });
    await hooked.down();
    expect(hooked.story().slice(before + 6)).toEqual(['pre-down', 'TERM', 'post-down']);
    expect((await hooked.hookEvents()).slice(0, 4)).toEqual(['started pre-up 1', 'finished pre-up 1', 'started post-up 1', 'finished post-up 1']);
  });

  it('run for a deploy and for a changed configuration, and a changed hook costs nothing', async () => {
    await start(oneService(all));
    await hooked.up();
    await hooked.hive.client.deployService({ fqn: 'app:web' });
    await hooked.hive.client.waitForService({ fqn: 'app:web', for: 'deployed' });
    const once = ['pre-up', 'run', 'post-up'];
    const again = ['pre-down', 'TERM', 'post-down', ...once];
    expect(hooked.story()).toEqual([...once, ...again]);

    await hooked.rewrite(oneService({ ...all, 'pre-down': hook(says('other')) }));
    expect(hooked.story()).toEqual([...once, ...again]);
    const other = again.map((word) => (word === 'pre-down' ? 'other' : word));
    await hooked.rewrite(oneService({ ...all, 'pre-down': hook(says('other')) }, 'environment: {static: {A: b}}'));
    await hooked.up();
    expect(hooked.story()).toEqual([...once, ...again, ...other]);
  });

  it('see the environment and the ports of the service, and who they are', async () => {
    const shown = 'echo "$HIVE_HOOK_EVENT $HIVE_SERVICE_NAME $HIVE_SERVICE_FQN $HIVE_SOURCE_NAME $HIVE_ROLLOUT_TYPE ${HIVE_ROLLOUT_COLOR-none} $GREETING $OWN $((PORT - {{runtime.port.http}})) $PWD" >> $HIVE_SOURCE_NAME.shown; cp *.shown story';
    const step = { run: shown, environment: { OWN: 'at {{runtime.port.http}}' } };
    await start(oneService({ 'pre-up': hook(step), 'pre-down': hook({ ...step, working_dir: '.' }) }, 'environment: {static: {GREETING: "hello $(x)", OWN: no}}\n    rollout: {type: recreate, recreate: {ports: {http: auto}}}'));
    const { ports } = await hooked.up();
    await hooked.hive.client.stopService({ fqn: 'app:web' });
    await hooked.down();
    const line = (event: string): string => `${event} web app:web app recreate none hello $(x) at ${ports['http']} 0 ${hooked.folder}`;
    expect(hooked.story().filter((one) => one !== 'run' && one !== 'TERM')).toEqual([line('pre-up'), line('pre-down')]);
  });

  it('keep a service from starting when they fail, and say which step, its exit and its last line, without what it was given', async () => {
    const boom = 'echo first; echo "no table for $TOKEN at $SPEED" >&2; exit 3';
    await start(oneService({ 'pre-up': hook(says('one'), boom, says('three')) }, 'environment: {static: {TOKEN: s3cret-token, SPEED: "12"}}'));
    await expect(hooked.up()).rejects.toMatchObject({ code: 'HOOK_FAILED', message: 'app:web failed: it was not started: step 2 of its pre-up hook exited with code 3: no table for *** at 12.' });
    expect(hooked.story()).toEqual(['one']);
    expect(await hooked.hookEvents()).toEqual(['started pre-up 1', 'finished pre-up 1', 'started pre-up 2', 'failed pre-up 2 abort']);
    expect(JSON.stringify(await journalOf(hooked.hive.client))).not.toContain('s3cret-token');
    // What it wrote is in the log, as what a hook wrote.
    const { lines } = await hooked.hive.client.getLogs({ fqn: 'app:web', stream: 'hook' });
    expect(lines.map(({ message, stream, instance }) => [message, stream, instance])).toEqual([['first', 'hook', 'app:web#1'], ['no table for s3cret-token at 12', 'hook', 'app:web#1']]);
    // Somebody acts: it is tried from the beginning.
    await hooked.hive.client.startService({ fqn: 'app:web' });
    await expect(hooked.up()).rejects.toMatchObject({ code: 'HOOK_FAILED' });
    expect(hooked.story()).toEqual(['one', 'one']);
  });

  it('undo a start that they fail after', async () => {
    await start(oneService({ 'post-up': hook('kill -KILL $$') }));
    await expect(hooked.up()).rejects.toMatchObject({ code: 'HOOK_FAILED', message: expect.stringContaining('it was stopped again: its post-up hook was killed by SIGKILL') });
    const { state, instances } = await hooked.hive.service('app:web');
    expect([state, instances[0]?.pid]).toEqual(['failed', undefined]);
    expect(hooked.story()).toEqual(['run', 'TERM']);
    // Nobody starts it again behind the operator's back.
    await hooked.hive.restartAfterKill();
    expect((await hooked.hive.service('app:web')).state).toBe('failed');
  });

  it('go on after a failure that only warns, and try again as often as they say', async () => {
    const flaky = { run: 'echo try >> story; [ $(grep -c try story) -ge 3 ]', on_failure: 'retry', retries: 3, retry_delay: '20ms' };
    await start(oneService({ 'pre-up': hook({ run: 'exit 1', on_failure: 'warn' }, flaky), 'pre-down': hook('exit 1', { run: 'echo again >> story; exit 1', on_failure: 'retry', retries: 2, retry_delay: '10ms' }) }));
    await hooked.up();
    expect(hooked.story()).toEqual(['try', 'try', 'try', 'run']);
    expect(await hooked.hookEvents()).toEqual([
      'started pre-up 1', 'failed pre-up 1 warn',
      'started pre-up 2', 'failed pre-up 2 retry', 'started pre-up 2', 'failed pre-up 2 retry', 'started pre-up 2', 'finished pre-up 2',
    ]);
    await hooked.hive.client.stopService({ fqn: 'app:web' });
    await hooked.down();
    expect(hooked.story().slice(4)).toEqual(['again', 'again', 'again', 'TERM']);
  });

  it('stay inside their number of retries and then abort', async () => {
    await start(oneService({ 'pre-up': hook({ run: `${says('try')}; exit 1`, on_failure: 'retry', retries: 2, retry_delay: '10ms' }) }));
    await expect(hooked.up()).rejects.toMatchObject({ code: 'HOOK_FAILED' });
    expect(hooked.story()).toEqual(['try', 'try', 'try']);
  });

  it('prevent a stop only where they say so, and then the error tells', async () => {
    await start(oneService({ 'pre-down': hook({ run: '[ -e allowed ]', on_failure: 'abort' }) }));
    const { instances } = await hooked.up();
    await hooked.hive.client.stopService({ fqn: 'app:web' });
    await expect(hooked.down()).rejects.toMatchObject({ code: 'HOOK_FAILED', message: expect.stringContaining('its stop was called off: its pre-down hook exited with code 1') });
    const service = await hooked.hive.service('app:web');
    expect([service.wanted, service.state, service.instances[0]?.pid]).toEqual(['up', 'running', instances[0]?.pid]);
    expect(service.reason).toContain('its stop was called off');
    await expect(hooked.hive.client.removeSource({ name: 'app' })).rejects.toMatchObject({ code: 'HOOK_FAILED' });
    await hooked.hive.client.deployService({ fqn: 'app:web' });
    await expect(hooked.hive.client.waitForService({ fqn: 'app:web', for: 'deployed' })).rejects.toMatchObject({ message: expect.stringContaining('its restart was called off: its pre-down hook exited with code 1') });
    expect((await hooked.up()).instances[0]?.pid).toBe(instances[0]?.pid);
    hooked.touch('allowed');
    await hooked.hive.client.stopService({ fqn: 'app:web' });
    await hooked.down();
  });

  it('run together what is parallel, and end the others when one fails', async () => {
    const meet = (mine: string, other: string): string => `echo ${mine} >> story; touch ${mine}.here; until [ -e ${other}.here ]; do sleep 0.01; done`;
    await start(oneService({ 'pre-up': hook({ parallel: [{ run: meet('a', 'b') }, { run: meet('b', 'a') }] }), 'post-up': hook({ parallel: [{ run: waits('long') }, { run: 'until grep -q long story; do sleep 0.01; done; exit 5' }] }) }));
    await expect(hooked.up()).rejects.toMatchObject({ message: expect.stringContaining('its post-up hook failed: step 1.2 exited with code 5') });
    expect([...hooked.story().slice(0, 2)].sort()).toEqual(['a', 'b']);
    expect(hooked.story()).toContain('long.term');
    const events = await hooked.hookEvents();
    expect(events.filter((event) => event.includes('failed')).sort()).toEqual(['failed post-up 1 abort', 'failed post-up 1.1 called-off', 'failed post-up 1.2 abort']);
  });

  it('are stopped with their whole tree at the timeout', async () => {
    const mark = `MARK=hooks-${process.pid}-${Date.now()}`;
    await start(oneService({ 'pre-up': hook({ run: 'trap "" TERM; ( setsid sleep 1000 & ); sleep 1000 & echo "still there"; while :; do sleep 0.05; done', timeout: '300ms' }) }, `environment: {static: {${mark.replace('=', ': ')}}}`));
    await expect(hooked.up()).rejects.toMatchObject({ message: expect.stringContaining('its pre-up hook took longer than 300 ms and was stopped: still there') });
    expect(markedInProc(mark)).toEqual([]);
  });

  it('are called off by a stop, which wins', async () => {
    await start(oneService({ 'pre-up': hook(waits('before')), 'post-up': hook(waits('after')), 'post-down': hook(says('post-down')) }));
    await hooked.tells('before');
    expect((await hooked.hive.service('app:web')).reason).toBe('waiting for its pre-up hook (step 1 of 1)');
    await hooked.hive.client.stopService({ fqn: 'app:web' });
    await hooked.down();
    // Nothing was started, so there is nothing to take down.
    expect(hooked.story()).toEqual(['before', 'before.term']);

    hooked.touch('before.go');
    await hooked.hive.client.startService({ fqn: 'app:web' });
    await hooked.tells('after');
    const between = await hooked.hive.service('app:web');
    expect([between.state, between.reason]).toEqual(['running', 'its post-up hook (step 1 of 1) runs']);
    await hooked.hive.client.stopService({ fqn: 'app:web' });
    await hooked.down();
    expect(hooked.story().slice(2)).toEqual(['before', 'run', 'after', 'after.term', 'TERM', 'post-down']);
    expect(await hooked.hookEvents()).toContain('failed post-up 1 called-off');
  });

  it('are waited for by those that depend on the service', async () => {
    const yaml = oneService({ 'post-up': hook(waits('seed')) });
    await start(`${yaml}\n  api:\n    runner: {type: script, script: {run: "echo api >> story; exec sleep 1000"}}\n    depends_on: [web]\n`);
    await hooked.tells('seed');
    await until(async () => ((await hooked.hive.service('app:api')).reason.includes('post-up hook') ? true : undefined), 'api to wait for the hook');
    hooked.touch('seed.go');
    await hooked.up('app:api');
    await hooked.tells('api');
    expect(hooked.story()).toEqual(['run', 'seed', 'api']);
  });

  it('end when the daemon stops, within their time, and the service is stopped in order', async () => {
    await start(oneService({ ...all, 'pre-down': hook({ run: waits('slow'), timeout: '200ms', on_failure: 'abort' }) }));
    await hooked.up();
    expect(await hooked.hive.shutdown()).toBe(0);
    expect(hooked.story().slice(3)).toEqual(['slow', 'slow.term', 'TERM', 'post-down']);
    await hooked.hive.start();
  });

  it('do not keep a service that never becomes healthy from being deployed anew', async () => {
    const yaml = (check: string): string => `
version: "1"
services:
  web:
    ${script(tellingService)}
    rollout: {type: rolling, rolling: {ports: {http: auto}}}
    healthcheck: {type: cmd, cmd: {command: "[ $MODE = good ]", interval: 1s}}
    environment: {static: {MODE: ${check}}}
    hooks: {post-up: ${hook('echo "post-up $MODE" >> story')}}
`;
    await start(yaml('bad'));
    await hooked.hive.serviceWhen('app:web', ({ state }) => state === 'running');
    await hooked.rewrite(yaml('good'));
    await hooked.hive.client.waitForService({ fqn: 'app:web', for: 'deployed', timeoutMs: 20_000 });
    expect(hooked.story().filter((line) => line.startsWith('post-up'))).toEqual(['post-up good']);
  });

  it('do not run for what a daemon takes over', async () => {
    await start(oneService(all));
    const { instances } = await hooked.up();
    await hooked.hive.restartAfterKill();
    const after = await hooked.up();
    expect(after.instances[0]?.pid).toBe(instances[0]?.pid);
    expect(hooked.story()).toEqual(['pre-up', 'run', 'post-up']);
  });
});

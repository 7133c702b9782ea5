import { afterAll, afterEach, beforeAll, expect, it } from '@jest/globals';
import { DockerEngine } from '../support/engines/docker-engine.js';
import { describeWithEngine } from '../support/engines/engine.js';
import { until } from '../support/until.js';
import { hook, Hooked, oneService, says } from './hooked.js';

describeWithEngine('docker', 'hooks that run in containers', () => {
  let engine: DockerEngine;
  let hooked: Hooked;
  beforeAll(async () => { engine = await DockerEngine.start(); });
  afterAll(() => engine.end());
  afterEach(() => hooked.end());

  const container = (command: string, more: Record<string, unknown> = {}): Record<string, unknown> => ({
    runner: { type: 'docker', docker: { image: engine.image, command: ['sh', '-c', command], socket: engine.socket } }, ...more,
  });
  const start = async (hooks: Record<string, string>, more = ''): Promise<void> => {
    hooked = await Hooked.started(oneService(hooks, more));
    await hooked.hive.client.startSource({ name: 'app' });
  };
  const left = (): string[] => engine.inspectAll().map(({ name, state }) => `${name} ${state}`);

  it('see the environment, write to the stream of hooks, and leave nothing', async () => {
    await start({ 'pre-up': hook(container('echo "$HIVE_HOOK_EVENT of $HIVE_SERVICE_FQN: $GREETING"; exit 0'), says('then')) }, 'environment: {static: {GREETING: hello there}}');
    await hooked.up();
    expect(hooked.story()).toEqual(['then', 'run']);
    const { lines } = await hooked.hive.client.getLogs({ fqn: 'app:web', stream: 'hook' });
    expect(lines.map(({ message }) => message)).toEqual(['pre-up of app:web: hello there']);
    expect(left()).toEqual([]);
  });

  it('fail with their exit code and their last line', async () => {
    await start({ 'pre-up': hook(container('echo first >&2; echo no such table >&2; exit 3')) });
    await expect(hooked.up()).rejects.toMatchObject({ code: 'HOOK_FAILED', message: expect.stringContaining('its pre-up hook exited with code 3: no such table') });
    expect(left()).toEqual([]);
  });

  it('are stopped at their timeout', async () => {
    await start({ 'pre-up': hook(container('sleep 1000', { timeout: '500ms' })) });
    await expect(hooked.up()).rejects.toMatchObject({ message: expect.stringContaining('took longer than 500 ms and was stopped') });
    expect(left()).toEqual([]);
  });

  it('that a killed daemon left are removed before they run again', async () => {
    await start({ 'pre-up': hook(container('echo began; until [ -e /tmp/go ]; do sleep 0.1; done', { timeout: '1m' }), says('then')) });
    const running = (): Promise<string> => until(() => left().find((line) => line.endsWith('running')), 'the container to run');
    await running();
    await hooked.hive.restartAfterKill();
    const began = (): Promise<number> => hooked.hive.client.getLogs({ fqn: 'app:web', stream: 'hook' }).then(({ lines }) => lines.length);
    await until(async () => ((await began()) === 2 ? true : undefined), 'the hook to begin again');
    expect(left()).toHaveLength(1);
    await hooked.hive.client.stopService({ fqn: 'app:web' });
    await hooked.down();
    expect(left()).toEqual([]);
    expect(hooked.story()).toEqual([]);
  });
});

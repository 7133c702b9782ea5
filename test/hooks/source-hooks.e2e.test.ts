import { afterEach, describe, expect, it } from '@jest/globals';
import { hook, Hooked, says, script, waits } from './hooked.js';

const service = (name: string, more = ''): string => `
  ${name}:
    ${script(`trap 'rm ${name}.alive; echo ${name}.TERM >> story; exit 0' TERM; echo ${name} >> story; touch ${name}.alive; while :; do sleep 0.02; done`)}
    healthcheck: {type: cmd, cmd: {command: "[ -e ${name}.alive ]", interval: 1s}}
    ${more}
`;
const source = (hooks: Record<string, string>, services: string, variables = ''): string => `
version: "1"
environment: {static: {GREETING: hello${variables}}}
hooks: {${Object.entries(hooks).map(([name, steps]) => `${name}: ${steps}`).join(', ')}}
services:
${services}
`;
const shown = (word: string): string => `echo "${word} $HIVE_HOOK_EVENT $HIVE_SOURCE_NAME $GREETING \${HIVE_SERVICE_FQN-none} \${URL-none}" >> story`;
const all = { 'pre-up': hook(says('PRE-UP')), 'post-up': hook(says('POST-UP')), 'pre-down': hook(says('PRE-DOWN')), 'post-down': hook(says('POST-DOWN')) };
const long = (word: string): string => hook({ run: waits(word), timeout: '20s' });
const port = 'rollout: {type: recreate, recreate: {ports: {http: auto}}}';

describe('hooks of a source', () => {
  let hooked: Hooked;
  afterEach(() => hooked.end());

  const start = async (yaml: string): Promise<void> => {
    hooked = await Hooked.started(yaml);
    await hooked.hive.client.startSource({ name: 'app' });
  };
  const bothUp = async (): Promise<void> => void (await Promise.all([hooked.up('app:a'), hooked.up('app:b')]));
  const bothDown = async (): Promise<void> => void (await Promise.all([hooked.down('app:a'), hooked.down('app:b')]));

  it('run before its first service starts, once all are up, before the first stops and after the last', async () => {
    await start(source({ ...all, 'post-up': hook(shown('POST-UP')) }, service('a', port) + service('b', `${port}\n    depends_on: [a]\n    hooks: {pre-up: ${hook(says('b.pre-up'))}, post-down: ${hook(says('b.post-down'))}}`), ', URL: "http://{{runtime.port.http}}/"'));
    await bothUp();
    expect(hooked.story()).toEqual(['PRE-UP', 'a', 'b.pre-up', 'b', 'POST-UP post-up app hello none none']);
    // One of them alone is not the source.
    await hooked.hive.client.stopService({ fqn: 'app:b' });
    await hooked.down('app:b');
    await hooked.hive.client.startService({ fqn: 'app:b' });
    await hooked.up('app:b');
    expect(hooked.story().slice(5)).toEqual(['b.TERM', 'b.post-down', 'b.pre-up', 'b']);
    // The last one is.
    await hooked.hive.client.stopService({ fqn: 'app:b' });
    await hooked.down('app:b');
    await hooked.hive.client.stopService({ fqn: 'app:a' });
    await hooked.down('app:a');
    expect(hooked.story().slice(9)).toEqual(['b.TERM', 'b.post-down', 'PRE-DOWN', 'a.TERM', 'POST-DOWN']);
    await hooked.hive.client.startSource({ name: 'app' });
    await bothUp();
    await hooked.hive.client.stopSource({ name: 'app' });
    await bothDown();
    const last = hooked.story().slice(14);
    expect(last.slice(0, 6)).toEqual(['PRE-UP', 'a', 'b.pre-up', 'b', 'POST-UP post-up app hello none none', 'PRE-DOWN']);
    expect(last.slice(6, -1).sort()).toEqual(['a.TERM', 'b.TERM', 'b.post-down']);
    expect(last.at(-1)).toBe('POST-DOWN');
    const { lines } = await hooked.hive.client.getLogs({ fqn: 'app:*', stream: 'hook' });
    expect(lines).toEqual([]);
  });

  it('run when it is removed and when the daemon stops, in order', async () => {
    await start(source(all, service('a') + service('b', 'depends_on: [a]')));
    await bothUp();
    await hooked.hive.shutdown();
    expect(hooked.story().slice(4)).toEqual(['PRE-DOWN', 'b.TERM', 'a.TERM', 'POST-DOWN']);
    await hooked.hive.start();
    await bothUp();
    await hooked.hive.client.removeSource({ name: 'app' });
    expect(hooked.story().slice(8)).toEqual(['PRE-UP', 'a', 'b', 'POST-UP', 'PRE-DOWN', 'b.TERM', 'a.TERM', 'POST-DOWN']);
  });

  it('that fail before keep all its services from starting, and say so with each', async () => {
    await start(source({ ...all, 'pre-up': hook('echo no network; exit 7') }, service('a') + service('b')));
    for (const fqn of ['app:a', 'app:b']) {
      await expect(hooked.up(fqn)).rejects.toMatchObject({ code: 'HOOK_FAILED', message: expect.stringContaining("it was not started: app's pre-up hook exited with code 7: no network") });
    }
    expect(hooked.story()).toEqual([]);
    expect(await hooked.hookEvents('app:*')).toEqual(['started pre-up 1', 'failed pre-up 1 abort']);
    const { lines } = await hooked.hive.client.getLogs({ fqn: 'app:*', stream: 'hook' });
    expect(lines).toMatchObject([{ fqn: 'app:*', stream: 'hook', message: 'no network' }]);
  });

  it('that fail after undo the start of all', async () => {
    await start(source({ ...all, 'post-up': hook('until [ -e go ]; do sleep 0.02; done; exit 9') }, service('a') + service('b')));
    await hooked.hive.serviceWhen('app:a', ({ reason }) => reason.includes("app's post-up hook"));
    hooked.touch('go');
    await expect(hooked.up('app:a')).rejects.toMatchObject({ code: 'HOOK_FAILED', message: expect.stringContaining("it was stopped again: app's post-up hook exited with code 9") });
    await expect(hooked.up('app:b')).rejects.toMatchObject({ code: 'HOOK_FAILED' });
    expect(hooked.story().slice(-2).sort()).toEqual(['a.TERM', 'b.TERM']);
  });

  it('are called off by a stop, and prevent one only where they say so', async () => {
    await start(source({ ...all, 'pre-up': hook(waits('before')), 'pre-down': hook({ run: '[ -e allowed ]', on_failure: 'abort' }) }, service('a') + service('b')));
    await hooked.tells('before');
    await hooked.hive.client.stopSource({ name: 'app' });
    await bothDown();
    expect(hooked.story()).toEqual(['before', 'before.term']);
    hooked.touch('before.go');
    await hooked.hive.client.startSource({ name: 'app' });
    await bothUp();
    await hooked.hive.client.stopSource({ name: 'app' });
    await expect(hooked.down('app:a')).rejects.toMatchObject({ code: 'HOOK_FAILED', message: expect.stringContaining("app's pre-down hook exited with code 1") });
    await bothUp();
    hooked.touch('allowed');
    await hooked.hive.client.stopSource({ name: 'app' });
    await bothDown();
    expect(hooked.story().at(-1)).toBe('POST-DOWN');
  });

  it('are resumed by the next daemon, and not run for what it takes over', async () => {
    await start(source({ 'pre-up': long('before'), 'post-up': long('after'), 'pre-down': long('leaving'), 'post-down': long('left') }, service('a') + service('b')));
    for (const word of ['before', 'after', 'leaving', 'left']) {
      await hooked.tells(word);
      await hooked.hive.restartAfterKill();
      await hooked.tells(word, 2);
      hooked.touch(`${word}.go`);
      if (word !== 'after') continue;
      await bothUp();
      await hooked.hive.restartAfterKill();
      await bothUp();
      await hooked.hive.client.stopSource({ name: 'app' });
    }
    await bothDown();
    const story = hooked.story();
    const both = (first: string, second: string): unknown => expect.arrayContaining([first, second]);
    expect([story.slice(0, 3), story.slice(3, 5), story.slice(5, 11), story.slice(11, 13), story.slice(13)]).toEqual([
      ['before', 'before.term', 'before'], both('a', 'b'), ['after', 'after.term', 'after', 'leaving', 'leaving.term', 'leaving'], both('a.TERM', 'b.TERM'), ['left', 'left.term', 'left'],
    ]);
  });
});

import { afterEach, describe, expect, it } from '@jest/globals';
import { readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { TestHive } from '../support/test-hive.js';
import { until } from '../support/until.js';
import { hiveId, hiveSecret, SignaledHive, sleeper } from './support/signaled-hive.js';

let signaled: SignaledHive | null = null;
let plain: TestHive | null = null;
afterEach(async () => {
  await signaled?.end();
  await plain?.end();
  signaled = plain = null;
});

describe('answers', () => {
  it('come in the dialect of the request, whatever the registration was in, and as often as it is asked', async () => {
    signaled = await SignaledHive.started({ SIGNALING_DIALECT: 'legacy' });
    expect(signaled.registrations[0]).toMatchObject({ type: 'register_hive' });
    signaled.send({ type: 'hive_spawn_cocoon', request_id: 'r', setup_token: 't', kind: 'default', name: 'one' });
    signaled.send({ type: 'spawn_cocoon', request_id: 'r', setup_token: 't', kind: 'default', name: 'one' });
    const { answers } = signaled;
    await until(() => (answers.length === 2 ? true : undefined), 'both answers');
    expect(answers.map(({ type }) => type).sort()).toEqual(['hive_spawn_cocoon_result', 'spawn_cocoon_result']);
    signaled.send({ type: 'spawn_cocoon', request_id: 'r', setup_token: 't', kind: 'unknown by now', name: 'another' });
    await until(() => (answers.length === 3 ? true : undefined), 'a third answer');
    expect(answers[2]).toEqual({ type: 'spawn_cocoon_result', request_id: 'r', success: true, container_id: 'one' });
    // A terminate may bear the id of a spawn.
    signaled.send({ type: 'terminate_cocoon', request_id: 'r', container_id: 'one' });
    await until(() => (answers.length === 4 ? true : undefined), 'the end');
    expect(answers[3]).toEqual({ type: 'terminate_cocoon_result', request_id: 'r', success: true });
    expect(await signaled.terminate({ request_id: 'again', container_id: 'one' })).toEqual({ type: 'terminate_cocoon_result', request_id: 'again', success: false, error: 'There is no cocoon "one".' });
  }, 30_000);

  it('that were due while the link was down are sent after the next registration, also by the next plugin', async () => {
    signaled = await SignaledHive.started();
    const { hive, answers } = signaled;
    signaled.send({ type: 'hive_spawn_cocoon', request_id: 'r1', setup_token: 't', kind: 'default', name: 'one' });
    await signaled.server.close();
    await until(async () => ((await signaled?.cocoons())?.length === 1 ? true : undefined), 'the cocoon');
    await hive.serviceWhen('cocoons:one', ({ state }) => state === 'running');
    await until(async () => ((await signaled?.status())?.requests.unanswered === 1 ? true : undefined), 'the answer to be due');
    expect((await signaled.plugin()).reason).toMatch(/^Not connected to ws:.* It is tried again within \d+ s\.$/);
    answers.length = 0;
    process.kill((await signaled.plugin()).pid ?? 0, 'SIGKILL');
    await signaled.serve();
    expect(await signaled.answerTo('r1')).toEqual({ type: 'hive_spawn_cocoon_result', request_id: 'r1', success: true, container_id: 'one' });
    await until(async () => ((await signaled?.status())?.requests.unanswered === 0 ? true : undefined), 'the answer to have arrived');
  }, 30_000);
});

describe('a cocoon that does not come up', () => {
  it('is removed, and the answer says why without its token', async () => {
    signaled = await SignaledHive.started({ COCOON_START_TIMEOUT: '300ms', COCOON_SCRIPT_PATH: '/nowhere/cocoon' });
    expect(await signaled.spawn({ request_id: 'no-script' })).toMatchObject({ success: false, error: 'The script of the kind default does not exist on this machine.' });
    await signaled.settings({ kinds: { default: { runner: 'script', script_path: sleeper, service: { healthcheck: { type: 'tcp', tcp: { port: 'http' } } } } } });
    await until(() => (signaled?.registrations.length === 2 ? true : undefined), 'the link to be made anew');
    expect(await signaled.spawn({ request_id: 'never-healthy', setup_token: 'healthy' })).toMatchObject({ success: false, error: expect.stringMatching(/is not \*\*\* after 0\.3 s/) });
    await signaled.settings({ kinds: { default: { runner: 'script', script_path: sleeper, service: { healthcheck: { type: 'tcp', tcp: { port: 'planted-token' } } } } } });
    expect(await signaled.spawn({ request_id: 'wrong-kind' })).toMatchObject({ success: false });
    expect(await signaled.cocoons()).toEqual([]);
  }, 30_000);
});

describe('settings', () => {
  it('reach the running plugin; wrong ones are named, and what runs is not disturbed', async () => {
    signaled = await SignaledHive.started();
    const { hive } = signaled;
    const { pid } = await signaled.plugin();
    await signaled.spawn({ request_id: 'r', name: 'one' });
    await signaled.settings({ max_cocoons: 1 });
    expect(await signaled.spawn({ request_id: 'r2' })).toMatchObject({ success: false, error: 'This Hive has 1 cocoons; it takes 1 at most.' });
    expect(signaled.registrations).toHaveLength(1);

    await signaled.settings({ kinds: { default: 'cocoon:2', other: 'cocoon:3' } });
    await until(() => (signaled?.registrations.length === 2 ? true : undefined), 'the kinds to be announced');
    expect(await signaled.spawn({ request_id: 'r3', kind: 'other' })).toMatchObject({ success: true });
    expect(await signaled.plugin()).toMatchObject({ state: 'ready', pid });

    // What a manifest can say about settings is checked with the file, which then changes nothing.
    await expect(signaled.settings({ max_coccons: 2 })).rejects.toMatchObject({ code: 'INVALID_CONFIG', message: expect.stringMatching(/hive\.yaml:1:\d+: .*max_coccons/) });
    expect(await signaled.plugin()).toMatchObject({ state: 'ready', pid });
    await signaled.settings({ kinds: { default: { imagee: 'x' } } });
    const failed = await until(async () => {
      const plugin = await signaled?.plugin();
      return plugin?.state === 'failed' ? plugin : undefined;
    }, 'the plugin to be failed');
    expect(failed.reason).toContain('plugins.signaling-control.kinds.default.imagee is not part of a kind; do you mean image?');
    expect((await hive.service('cocoons:one')).state).toBe('running');
    await signaled.settings({});
    await until(() => (signaled?.registrations.length === 3 ? true : undefined), 'the plugin to be back');
  }, 30_000);

  it('without a server: the plugin says what it waits for, and idles when it is enabled', async () => {
    plain = await TestHive.started({ SIGNALING_SERVER_URL: '', SIGNALING_URL: '' });
    const plugin = () => until(async () => (await plain?.client.listPlugins())?.plugins.find(({ id }) => id === 'signaling-control'), 'the plugin to be known');
    expect(await plugin()).toMatchObject({ state: 'stopped', reason: 'It runs once hive.yaml sets plugins.signaling-control.url, or the daemon\'s environment SIGNALING_SERVER_URL.' });
    writeFileSync(join(plain.home, 'hive.yaml'), 'version: "1"\nservices: {}\nplugins: {signaling-control: {enabled: true}}\n');
    await plain.client.reloadSource({ name: 'default' });
    await until(async () => ((await plugin()).reason.startsWith('Idle: ') ? true : undefined), 'the plugin to idle');
  }, 30_000);
});

describe('secrets', () => {
  it('are in the cocoon\'s environment and nowhere else', async () => {
    const token = 'planted-token-7c1';
    signaled = await SignaledHive.started();
    const { hive } = signaled;
    await signaled.spawn({ request_id: 'r1', name: 'one', setup_token: token });
    await signaled.spawn({ request_id: 'r2', name: 'one', setup_token: token });
    await signaled.spawn({ request_id: 'r3', kind: token, setup_token: token });
    expect((await signaled.environmentOf('one'))['COCOON_SETUP_TOKEN']).toBe(token);
    const { client, home } = hive;
    const shown = JSON.stringify([
      await client.getServiceConfig({ fqn: 'cocoons:one' }), await client.listRevisions({ fqn: 'cocoons:one' }), await client.listServices(), await client.listEvents({ limit: 10_000 }),
      await client.listPlugins(), await signaled.status(), await client.getLogs({ lines: 10_000 }), await client.listSources(), await client.getRoutes(),
      signaled.answers.filter(({ request_id: id }) => id !== 'r3'), signaled.registrations,
    ]);
    expect(shown).toContain('"COCOON_SETUP_TOKEN":"***"');
    for (const secret of [token, hiveSecret]) {
      expect([secret, shown.includes(secret)]).toEqual([secret, false]);
      const files = (readdirSync(home, { recursive: true }) as string[]).filter((path) => !/^(cocoons|state)\.db/.test(path) && statSync(join(home, path), { throwIfNoEntry: false })?.isFile() === true);
      expect(files.some((path) => path.startsWith('plugin-data/signaling-control/'))).toBe(true);
      expect([secret, files.filter((path) => readFileSync(join(home, path), 'latin1').includes(secret))]).toEqual([secret, []]);
    }
    const { pid } = await signaled.plugin();
    for (const file of ['environ', 'cmdline']) expect(readFileSync(`/proc/${pid}/${file}`, 'utf8')).not.toMatch(new RegExp(`${hiveSecret}|${token}`));
    expect(hiveId).not.toBe('');
  }, 30_000);
});

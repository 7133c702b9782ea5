import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { until } from '../support/until.js';
import { hiveId, SignaledHive, talker } from './support/signaled-hive.js';

let signaled: SignaledHive;
beforeAll(async () => {
  signaled = await SignaledHive.started({ COCOON_SCRIPT_PATH: talker, COCOON_KINDS: 'default=cocoon:1,other=cocoon:2' });
}, 30_000);
afterAll(() => signaled.end());

describe('a cocoon', () => {
  it('is made, answers at /cocoon/<name>/ with the prefix stripped, and goes', async () => {
    const answer = await signaled.spawn({ request_id: 'r1', name: 'worker' });
    expect(answer).toEqual({ type: 'hive_spawn_cocoon_result', request_id: 'r1', success: true, container_id: 'worker' });
    expect(await signaled.hive.service('cocoons:worker')).toMatchObject({ state: 'running', wanted: 'up', routes: [expect.stringContaining('/cocoon/worker')] });
    const { proxy } = await until(async () => {
      const status = await signaled.hive.client.status();
      return status.proxy.length > 0 ? status : undefined;
    }, 'the proxy to listen');
    const body = await until(async () => {
      const response = await fetch(`${proxy[0]}/cocoon/worker/some/path?x=1`);
      return response.ok ? response.text() : undefined;
    }, 'the cocoon to listen');
    expect(body).toBe('I am worker, a cocoon of the kind default. You asked for /some/path?x=1.\n');
    expect(await signaled.terminate({ request_id: 't1', container_id: 'worker' })).toEqual({ type: 'hive_terminate_cocoon_result', request_id: 't1', success: true });
    expect(await signaled.cocoons()).toEqual([]);
    expect((await signaled.hive.client.getRoutes()).routes).toEqual([]);
  });

  it('gets its variables, and nothing of this Hive', async () => {
    const { container_id: name } = await signaled.spawn({ request_id: 'r2', kind: 'other' });
    expect(name).toMatch(/^cocoon-[0-9a-f]{8}$/);
    const environment = await signaled.environmentOf(String(name));
    expect(environment).toMatchObject({ SIGNALING_SERVER_URL: signaled.url, COCOON_SETUP_TOKEN: 'planted-token', COCOON_NAME: name, COCOON_KIND: 'other', PORT: expect.stringMatching(/^\d+$/) });
    expect(Object.keys(environment)).not.toContain('HIVE_SECRET');
    await signaled.terminate({ request_id: 't2', container_id: String(name) });
  });

  it('is announced by kind, with a signature', () => {
    expect(signaled.registrations[0]).toEqual({
      type: 'hive_register', hive_id: hiveId, version: expect.any(String), hive_id_signature: expect.stringMatching(/^[0-9a-f]{64}$/),
      cocoon_kinds: [
        { id: 'default', runner_type: 'script', runner_config: { run: `exec '${talker}'`, working_dir: expect.any(String) }, image: 'cocoon:1' },
        { id: 'other', runner_type: 'script', runner_config: expect.any(Object), image: 'cocoon:2' },
      ],
    });
  });

  it('is shown by the plugin', async () => {
    expect(await signaled.plugin()).toMatchObject({ state: 'ready', reason: `Registered at ${signaled.url} as ${hiveId}, without encryption.` });
    const status = await until(async () => {
      const found = await signaled.status();
      return found.requests.unanswered === 0 ? found : undefined;
    }, 'the server to have confirmed every answer');
    expect(status).toMatchObject({ link: { state: 'registered' }, hiveId, dialect: 'hive', cocoons: { count: 0, most: 50 }, requests: { underWay: 0 } });
  });
});

import { afterEach, describe, expect, it } from '@jest/globals';
import { join } from 'node:path';
import { packageRoot } from '../../shared/package-root.js';
import { dialRpc } from '../../shared/rpc/index.js';
import { TestHive } from '../support/test-hive.js';
import { dropFolder } from './drop-in.js';
import { until } from './until.js';

let hive: TestHive;
afterEach(() => hive.end());

const plugin = 'asks-for-too-much';

describe('what a plugin may do', () => {
  it('is what its manifest asks for, and a denial names what is missing', async () => {
    hive = await TestHive.started();
    const grants = ['read', 'services:control:default:*', 'plugin:call:friend'];
    dropFolder(join(hive.home, 'plugins'), plugin, { command: ['node', join(packageRoot(), 'test/fixtures/plugins', `${plugin}.mjs`)], grants });
    await until('it is ready', async () => (await hive.client.listPlugins()).plugins.find(({ id, state }) => id === plugin && state === 'ready'));
    const attempt = async (method: string, params: unknown = {}): Promise<{ code: string; message: string } | null> =>
      ((await hive.client.callPlugin({ plugin, method, params })) as { outcome: { code: string; message: string } | null }).outcome;

    expect(await attempt('services.list')).toBeNull();
    expect(await attempt('services.start', { fqn: 'default:web' })).toMatchObject({ code: 'NOT_FOUND' });
    expect(await attempt('services.start', { fqn: 'other:web' })).toEqual({ code: 'PERMISSION_DENIED', message: `plugin ${plugin} may not call services.start: it lacks the grant services:control:other:web.` });
    expect(await attempt('daemon.shutdown')).toMatchObject({ code: 'PERMISSION_DENIED' });
    expect(await attempt('plugins.disable', { plugin })).toMatchObject({ code: 'PERMISSION_DENIED' });
    expect(await attempt('plugins.call', { plugin, method: 'x' })).toMatchObject({ code: 'PERMISSION_DENIED' });
    expect(await attempt('events.subscribe')).toMatchObject({ code: 'PERMISSION_DENIED' });
    for (const method of ['host.hello', 'host.report', 'host.inventory', 'host.expect', 'host.close', 'host.attach']) {
      expect(await attempt(method, { token: 'guessed' })).toMatchObject({ code: 'PERMISSION_DENIED' });
    }
    expect(await attempt('initialize', { protocolVersions: [1], name: 'x', version: '1' })).toMatchObject({ code: 'INVALID_PARAMS' });
  });

  it('nobody becomes the host or a plugin without the token', async () => {
    hive = await TestHive.started();
    const rpc = await dialRpc(join(hive.home, 'hive.sock'), { name: 'the daemon' });
    await expect(rpc.call('host.hello', { token: '', pid: 1 })).rejects.toMatchObject({ code: 'PERMISSION_DENIED' });
    await expect(rpc.call('initialize', { protocolVersions: [1], name: 'x', version: '1', token: 'guessed' })).rejects.toMatchObject({ code: 'PERMISSION_DENIED' });
    rpc.close();
  });
});

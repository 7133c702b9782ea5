import { afterEach, describe, expect, it } from '@jest/globals';
import { join } from 'node:path';
import { methodNotFound } from '../../shared/rpc/index.js';
import { startSmallServer, type SmallServer } from '../client/small-server.js';
import { Sandbox } from './sandbox.js';
import { aService } from './shapes.js';

const sandbox = new Sandbox();
let server: SmallServer;
afterEach(async () => {
  await server.close();
  await sandbox.end();
});

describe('a daemon of another version', () => {
  it('is talked to as far as both know, with a hint where they do not', async () => {
    const unknown = (method: string) => (): never => { throw methodNotFound(method); };
    server = await startSmallServer({
      'daemon.status': () => ({ version: '0.0.1', pid: 1, home: '/h', uptimeMs: 1, sources: 1, services: { running: 1, total: 1, byState: {} }, proxy: [], journal: { epoch: 'e', seq: 1 }, plugins: { ready: 0, total: 0 } }),
      'services.list': () => ({ services: [{ ...aService('shop:web'), somethingNew: true }] }),
      'services.stats': unknown('services.stats'),
      'plugins.list': unknown('plugins.list'),
    });
    const socket = join(server.home, 'hive.sock');
    expect(await sandbox.run(sandbox.root, `status --socket ${socket}`)).toMatchObject({ code: 0, out: expect.stringContaining('shop:web  running') });
    const { code, err } = await sandbox.run(sandbox.root, `plugin list --socket ${socket}`);
    expect({ code, err }).toEqual({ code: 1, err: expect.stringMatching(/The daemon has version 0\.0\.1, this hivectl .* hivectl daemon restart --keep-services .*\[METHOD_NOT_FOUND\]/) });
    expect((await sandbox.run(sandbox.root, `daemon status --socket ${socket}`)).out).toContain('brings the daemon to it');
  });
});

import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from '../free-port.js';

export const registryUser = { name: 'hive', password: 'a-registry-secret' };
/** `a-registry-secret`, as `htpasswd -B` writes it. */
const hashed = '$2y$05$abcdefghijklmnopqrstuuP2t1wocTA6p6NnBiINd718ZkPrDwBSm';

/** A registry of images on 127.0.0.1 that lets only `registryUser` in. */
export class LocalRegistry {
  private constructor(readonly address: string, private readonly folder: string, private readonly process: ChildProcess) {}

  static async start(): Promise<LocalRegistry> {
    const folder = mkdtempSync(join(tmpdir(), 'hive-registry-'));
    const address = `127.0.0.1:${await freePort()}`;
    writeFileSync(join(folder, 'users'), `${registryUser.name}:${hashed}\n`);
    writeFileSync(join(folder, 'config.yml'), JSON.stringify({
      version: 0.1, storage: { filesystem: { rootdirectory: join(folder, 'images') } }, http: { addr: address },
      auth: { htpasswd: { realm: 'tests', path: join(folder, 'users') } },
    }));
    const registry = new LocalRegistry(address, folder, spawn('docker-registry', ['serve', join(folder, 'config.yml')], { stdio: 'ignore' }));
    for (const began = performance.now(); ; await sleep(20)) {
      if (await fetch(`http://${address}/v2/`).then(() => true, () => false)) return registry;
      if (performance.now() - began > 10_000) throw new Error('The registry did not come up.');
    }
  }

  async end(): Promise<void> {
    const exited = once(this.process, 'exit');
    this.process.kill('SIGTERM');
    await exited;
    rmSync(this.folder, { recursive: true, force: true });
  }
}

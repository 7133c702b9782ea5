import { existsSync, mkdirSync, readFileSync, realpathSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { packageRoot } from '../../shared/package-root.js';
import { fileBytes } from '../tools/file-bytes.js';
import { findProgram, runCommand, type Command } from '../tools/run-command.js';
import type { Peer, Plan, Supervisor } from './peer.js';

const privatePath = join(packageRoot(), 'bench', '.peers', 'node_modules', '.bin', 'pm2');

async function program(): Promise<string | null> {
  return existsSync(privatePath) ? privatePath : findProgram('pm2');
}

/** Starts with `pm2 start` of an ecosystem file, its daemon running already. */
export const pm2: Peer = {
  name: 'pm2',
  howToGet: 'npm install --prefix bench/.peers pm2',

  async find() {
    const file = await program();
    // Not `pm2 --version`: that leaves a daemon running.
    return file === null ? null : versionBeside(realpathSync(file));
  },

  async prepare({ folder, services, restart }: Plan): Promise<Supervisor> {
    const file = (await program()) ?? 'pm2';
    const home = join(folder, 'pm2');
    const logs = join(folder, 'logs');
    mkdirSync(logs, { recursive: true });
    const ecosystem = join(folder, 'ecosystem.config.json');
    const apps = services.map(({ name, command }) => ({
      name, script: '/bin/sh', args: ['-c', command], interpreter: 'none', autorestart: restart, cwd: folder,
      out_file: join(logs, `${name}.log`), error_file: join(logs, `${name}.err`), pid_file: join(logs, `${name}.pid`),
    }));
    writeFileSync(ecosystem, JSON.stringify({ apps }));
    const command = (...args: string[]): Command => ({ file, args, environment: { PM2_HOME: home, PM2_DISCRETE_MODE: 'true' } });
    await runCommand(command('ping'));
    const daemon = Number(readFileSync(join(home, 'pm2.pid'), 'utf8'));
    return {
      start: async () => void (await runCommand(command('start', ecosystem))),
      processes: () => ({ daemon: [daemon] }),
      outputBytes: (service) => fileBytes(join(logs, `${service}.log`)),
      askStatus: null,
      statusCommand: command('list'),
      stop: async () => void (await runCommand(command('kill'))),
    };
  },
};

function versionBeside(file: string): string {
  const manifest = join(dirname(file), '..', 'package.json');
  return existsSync(manifest) ? (JSON.parse(readFileSync(manifest, 'utf8')) as { version: string }).version : 'unknown';
}

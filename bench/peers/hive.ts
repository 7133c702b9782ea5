import { existsSync, mkdirSync, openSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DaemonClient } from '../../shared/client/index.js';
import { packageRoot } from '../../shared/package-root.js';
import { commandOf, readProcess } from '../../shared/process/proc-table.js';
import { descendants } from '../tools/children.js';
import { markedEnvironment } from '../tools/endings.js';
import { fileBytes } from '../tools/file-bytes.js';
import { RawRpc } from '../tools/raw-rpc.js';
import { startInBackground } from '../tools/run-command.js';
import { waitUntil } from '../tools/wait-until.js';
import type { Peer, Plan, Supervisor } from './peer.js';

const source = 'bench';
const program = (...path: string[]): string => join(packageRoot(), 'dist', ...path);

/** Starts with `source.start` of a source that was added to a running daemon: that one's services wait for the word. */
export const hive: Peer = {
  name: 'hive',
  howToGet: 'npm run build',

  find: async () => (existsSync(program('daemon', 'main.js')) ? packageVersion() : null),

  async prepare({ folder, services, restart }: Plan): Promise<Supervisor> {
    const home = join(folder, 'home');
    const project = join(folder, 'project');
    mkdirSync(join(project, '.adi'), { recursive: true });
    // The restart of a service that ran for less than `window` waits on purpose; what is measured is a first restart.
    const policy = restart ? { policy: 'always', delay: '10ms', window: '500ms' } : { policy: 'never' };
    writeFileSync(join(project, '.adi', 'hive.yaml'), JSON.stringify({
      version: '1',
      environment: { static: markedEnvironment },
      services: Object.fromEntries(services.map(({ name, command }) => [name, {
        runner: { type: 'script', script: { run: command } }, restart: policy, logs: { max_size: '1GB' },
      }])),
    }));
    const daemon = await startHiveDaemon(home);
    const { client } = daemon;
    await client.addSource({ path: project, name: source });
    const raw = await RawRpc.connect(daemon.socket);
    const logs = (service: string): string => join(home, 'logs', source, service);
    return {
      start: async () => void (await client.startSource({ name: source }, { deadlineMs: 300_000 })),
      processes: (servicePids) => partsOf(daemon.pid, servicePids),
      outputBytes: (service) => streamFiles(logs(service)).reduce((sum, path) => sum + fileBytes(path), 0),
      askStatus: () => raw.call('services.list', {}),
      statusCommand: { file: process.execPath, args: [program('hivectl', 'main.js'), 'status', '--all'], environment: { HIVE_HOME: home } },
      restartNote: 'restart: {policy: always, delay: 10ms, window: 500ms}, so that each kill is answered as a first restart',
      stop: () => {
        raw.close();
        return daemon.stop();
      },
    };
  },
};

export interface HiveDaemon {
  readonly pid: number;
  readonly socket: string;
  readonly client: DaemonClient;
  /** Ends all services and the daemon. */
  stop(): Promise<void>;
}

export async function startHiveDaemon(home: string): Promise<HiveDaemon> {
  mkdirSync(home, { recursive: true, mode: 0o700 });
  const words = join(home, '..', 'hived.output');
  // Such as `--cpu-prof --cpu-prof-dir=…`, to see what the daemon does meanwhile.
  const nodeOptions = (process.env['HIVE_BENCH_NODE_OPTIONS'] ?? '').split(' ').filter((option) => option !== '');
  const daemon = startInBackground({ file: process.execPath, args: [...nodeOptions, program('daemon', 'main.js'), '--home', home] }, openSync(words, 'w'));
  const state = { ended: false };
  void daemon.ended.then(() => (state.ended = true));
  const socket = join(home, 'hive.sock');
  let client: DaemonClient | null = null;
  await waitUntil('hived to answer', async () => {
    if (state.ended) throw new Error(`hived gave up: ${readFileSync(words, 'utf8').trim()}`);
    client = await DaemonClient.connect({ home }).catch(() => null);
    return client !== null;
  }, 30_000, 20);
  const connected = client as unknown as DaemonClient;
  return {
    pid: daemon.pid, socket, client: connected,
    stop: async () => {
      await connected.shutdown({ graceful: true, keepServices: false }, { deadlineMs: 120_000 }).catch(() => undefined);
      connected.close();
      const hurry = setTimeout(() => process.kill(daemon.pid, 'SIGKILL'), 120_000);
      await daemon.ended;
      clearTimeout(hurry);
    },
  };
}

/** The daemon's own processes by what they are. A shim is the parent of a service, whoever its own parent is. */
function partsOf(daemon: number, servicePids: readonly number[]): Record<string, number[]> {
  const parts: Record<string, number[]> = { daemon: [daemon], host: [], 'launcher and shims': [], plugins: [], other: [] };
  const shims = new Set(servicePids.map((pid) => readProcess(pid)?.parentPid ?? 0).filter((pid) => pid > 1 && pid !== daemon));
  const host = new Set<number>();
  for (const pid of descendants(daemon, servicePids)) {
    const row = readProcess(pid);
    if (row === null || shims.has(pid)) continue;
    const command = commandOf(row, 1000);
    if (command.includes('launcher.sh')) shims.add(pid);
    else if (host.has(row.parentPid)) parts['plugins']?.push(pid);
    else if (command.includes('plugin-host')) {
      host.add(pid);
      parts['host']?.push(pid);
    } else parts['other']?.push(pid);
  }
  parts['launcher and shims'] = [...shims];
  return Object.fromEntries(Object.entries(parts).filter(([, pids]) => pids.length > 0));
}

/** The live file of standard output and its archives. */
function streamFiles(folder: string): string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder).filter((name) => /^\d+\.stdout\.log(\.\d+)?$/.test(name)).map((name) => join(folder, name));
}

function packageVersion(): string {
  return (JSON.parse(readFileSync(join(packageRoot(), 'package.json'), 'utf8')) as { version: string }).version;
}

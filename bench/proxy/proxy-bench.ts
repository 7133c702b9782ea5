import { execFileSync, spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { nginxBackend, peers } from './peer-configurations.js';

/*
 * Small answers through Hive's proxy beside those peers that are installed, `wrk -c32`, each proxy on the same one core, wrk
 * and the backend on the other. All take turns within each round, so that a busy machine slows all; medians are compared.
 * Prints JSON. Needs wrk, nginx (as the backend) and taskset; caddy and haproxy where they are.
 */
interface Measured { readonly requestsPerSecond: number; readonly p99Ms: number; readonly cpuMicroseconds: number }

const rounds = Number(process.env['BENCH_ROUNDS'] ?? 5);
const seconds = Number(process.env['BENCH_SECONDS'] ?? 3);
const [proxyCore, loadCore] = ['0', '1'];

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  return port;
}

function isInstalled(program: string): boolean {
  return spawnSync('sh', ['-c', `command -v ${program}`]).status === 0;
}

async function start(core: string, command: readonly string[], port: number, folder: string): Promise<ChildProcess> {
  const child = spawn('taskset', ['-c', core, ...command], {
    stdio: 'ignore', detached: true, env: { ...process.env, GOMAXPROCS: '1', XDG_DATA_HOME: folder, XDG_CONFIG_HOME: folder },
  });
  for (let attempt = 0; attempt < 200; attempt++) {
    if (await answers(port)) return child;
    if (child.exitCode !== null) break;
    await delay(50);
  }
  throw new Error(`${command.join(' ')} does not listen at ${port}.`);
}

async function answers(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1');
  const [event] = await Promise.race([once(socket, 'connect').then(() => ['connect']), once(socket, 'error').then(() => ['error'])]).catch(() => ['error']);
  socket.destroy();
  return event === 'connect';
}

function load(port: number, pid: number): Measured {
  const before = ticksOf(pid);
  const text = execFileSync('taskset', ['-c', loadCore, 'wrk', '-t1', '-c32', `-d${seconds}`, '--latency', `http://127.0.0.1:${port}/`], { encoding: 'utf8' });
  if (/Non-2xx|Socket errors/.test(text)) throw new Error(`Requests failed at ${port}:\n${text}`);
  const [, p99 = '', unit = ''] = /99%\s+([\d.]+)(us|ms|s)/.exec(text) ?? [];
  const requests = Number(/(\d+) requests in/.exec(text)?.[1]);
  return { cpuMicroseconds: ((ticksOf(pid) - before) * microsecondsPerTick) / requests, requestsPerSecond: Number(/Requests\/sec:\s+([\d.]+)/.exec(text)?.[1]), p99Ms: Number(p99) * (unit === 'us' ? 0.001 : unit === 's' ? 1000 : 1) };
}

const median = (values: readonly number[]): number => [...values].sort((one, other) => one - other)[values.length >> 1] ?? 0;

const microsecondsPerTick = 10_000;

/** Processor time of a process and everything below it: on a busy machine it says more than requests per second. */
function ticksOf(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
  return Number(fields[11]) + Number(fields[12]) + childrenOf(pid).reduce((sum, child) => sum + ticksOf(child), 0);
}

function childrenOf(pid: number): number[] {
  return spawnSync('pgrep', ['-P', String(pid)], { encoding: 'utf8' }).stdout.split('\n').filter((line) => line !== '').map(Number);
}

/** Kilobytes of a process and everything below it. */
function memoryOf(pid: number): number {
  const own = Number(/^Pss:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8'))?.[1] ?? 0);
  return own + childrenOf(pid).reduce((sum, child) => sum + memoryOf(child), 0);
}

const folder = mkdtempSync(join(tmpdir(), 'hive-proxy-bench-'));
const started: ChildProcess[] = [];
try {
  const backendPort = await freePort();
  writeFileSync(join(folder, 'backend.conf'), nginxBackend(backendPort, folder));
  started.push(await start(loadCore, ['nginx', '-c', join(folder, 'backend.conf')], backendPort, folder));
  const contestants = new Map<string, { port: number; child: ChildProcess; measured: Measured[] }>();
  const add = async (name: string, port: number, command: readonly string[]): Promise<void> => {
    const child = await start(proxyCore, command, port, folder);
    started.push(child);
    contestants.set(name, { port, child, measured: [] });
  };
  const hivePort = await freePort();
  await add('hive', hivePort, [process.execPath, join(import.meta.dirname, 'proxy-under-test.js'), String(hivePort), String(backendPort)]);
  for (const { name, file, configuration, command } of peers.filter((peer) => isInstalled(peer.name))) {
    const port = await freePort();
    writeFileSync(join(folder, file), configuration(port, backendPort, folder));
    await add(name, port, command(join(folder, file)));
  }
  for (const extra of (process.env['BENCH_EXTRA'] ?? '').split(',').filter((program) => program !== '')) {
    const port = await freePort();
    await add(extra.split('/').at(-1) ?? extra, port, [process.execPath, extra, String(port), String(backendPort)]);
  }
  for (const { port, child } of contestants.values()) load(port, child.pid ?? 0);
  for (let round = 0; round < rounds; round++) for (const { port, child, measured } of contestants.values()) measured.push(load(port, child.pid ?? 0));
  const rate = (name: string): number => median(contestants.get(name)?.measured.map((one) => one.requestsPerSecond) ?? []);
  const report = Object.fromEntries([...contestants].map(([name, { child, measured }]) => [name, {
    requestsPerSecond: Math.round(rate(name)),
    cpuMicrosecondsPerRequest: Math.round(median(measured.map((one) => one.cpuMicroseconds)) * 10) / 10,
    p99Ms: Math.round(median(measured.map((one) => one.p99Ms)) * 100) / 100,
    memoryMb: Math.round(memoryOf(child.pid ?? 0) / 102.4) / 10,
    hiveIsTimesAsFast: Math.round((rate('hive') / rate(name)) * 100) / 100,
  }]));
  console.log(JSON.stringify(report, undefined, 2));
} finally {
  for (const { pid } of started) if (pid !== undefined) process.kill(-pid, 'SIGTERM');
  rmSync(folder, { recursive: true, force: true });
}

import { writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { ticksPerSecond } from '../../shared/process/machine.js';
import { readProcess } from '../../shared/process/proc-table.js';
import { freePort } from '../../test/support/free-port.js';
import { nginxBackend, peers } from '../proxy/peer-configurations.js';
import type { Report } from '../report/report.js';
import type { Column } from '../report/works.js';
import type { Sizes } from '../sizes.js';
import { descendants } from '../tools/children.js';
import { pssMegabytes } from '../tools/memory.js';
import { findProgram, runCommand, startInBackground } from '../tools/run-command.js';
import { median } from '../tools/statistics.js';
import { waitUntil } from '../tools/wait-until.js';

/*
 * Small answers through Hive's proxy beside those peers that are installed, `wrk -c32`, each proxy on the same one core, wrk
 * and the backend on the other. All take turns within each round, so that a busy machine slows all; medians are compared.
 */
const proxyCore = '0';
const loadCore = cpus().length > 1 ? '1' : '0';

interface Contestant { readonly column: Column; readonly port: number; readonly pid: number; readonly measured: Measured[] }
interface Measured { readonly requestsPerSecond: number; readonly p99Ms: number; readonly cpuMicroseconds: number }

export async function measureProxies(folder: string, { rounds, proxySeconds }: Sizes, report: Report): Promise<void> {
  const missing = [];
  for (const program of ['wrk', 'nginx', 'taskset']) if ((await findProgram(program)) === null) missing.push(program);
  if (missing.length > 0) return report.note(`proxies are not measured without ${missing.join(', ')}: apt-get install wrk nginx-light util-linux.`);
  const contestants = await startAll(folder, report);
  // The first seconds of a program that is compiled while it runs say little.
  if (rounds > 1) for (const one of contestants) await load(one, 1);
  for (let round = 0; round < rounds; round += 1) for (const one of contestants) one.measured.push(await load(one, proxySeconds));
  for (const { column, pid, measured } of contestants) {
    report.set('proxyRate', column, median(measured.map((one) => one.requestsPerSecond)));
    report.set('proxyP99', column, median(measured.map((one) => one.p99Ms)));
    if (column === 'direct') continue;
    report.set('proxyCpu', column, median(measured.map((one) => one.cpuMicroseconds)));
    report.set('proxyMemory', column, pssMegabytes([pid, ...descendants(pid)]));
  }
}

async function startAll(folder: string, report: Report): Promise<Contestant[]> {
  const environment = { GOMAXPROCS: '1', XDG_DATA_HOME: folder, XDG_CONFIG_HOME: folder };
  const start = async (column: Column, core: string, port: number, command: readonly string[]): Promise<Contestant> => {
    const { pid } = startInBackground({ file: 'taskset', args: ['-c', core, ...command], environment });
    await waitUntil(`${column} to listen at ${port}`, () => listens(port), 10_000);
    return { column, port, pid, measured: [] };
  };
  const backendPort = await freePort();
  writeFileSync(join(folder, 'backend.conf'), nginxBackend(backendPort, folder));
  const contestants = [await start('direct', loadCore, backendPort, ['nginx', '-c', join(folder, 'backend.conf')])];
  for (const [column, program] of [['hive', 'proxy-under-test.js'], ['node', 'node-proxy.js']] as const) {
    const port = await freePort();
    contestants.push(await start(column, proxyCore, port, [process.execPath, join(import.meta.dirname, '../proxy', program), String(port), String(backendPort)]));
  }
  for (const { name, file, configuration, command } of peers) {
    if ((await findProgram(name)) === null) {
      report.note(`${name} is not here: apt-get install ${name === 'nginx' ? 'nginx-light' : name}.`);
      continue;
    }
    const port = await freePort();
    writeFileSync(join(folder, file), configuration(port, backendPort, folder));
    contestants.push(await start(name, proxyCore, port, command(join(folder, file))));
  }
  return contestants;
}

async function load({ port, pid }: Contestant, seconds: number): Promise<Measured> {
  const before = cpuMicrosecondsOf(pid);
  const text = await runCommand({ file: 'taskset', args: ['-c', loadCore, 'wrk', '-t1', '-c32', `-d${seconds}`, '--latency', `http://127.0.0.1:${port}/`] });
  if (/Non-2xx|Socket errors/.test(text)) throw new Error(`Requests failed at ${port}: ${text}`);
  const [, p99 = '', unit = ''] = /99%\s+([\d.]+)(us|ms|s)/.exec(text) ?? [];
  const requests = Number(/(\d+) requests in/.exec(text)?.[1]);
  return {
    requestsPerSecond: Number(/Requests\/sec:\s+([\d.]+)/.exec(text)?.[1]),
    p99Ms: Number(p99) * (unit === 'us' ? 0.001 : unit === 's' ? 1000 : 1),
    cpuMicroseconds: (cpuMicrosecondsOf(pid) - before) / requests,
  };
}

/** Processor time of a process and everything below it: on a busy machine it says more than requests a second. */
function cpuMicrosecondsOf(pid: number): number {
  const ticks = [pid, ...descendants(pid)].reduce((sum, each) => sum + (readProcess(each)?.cpuTicks ?? 0), 0);
  return (ticks / ticksPerSecond) * 1e6;
}

function listens(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    const answer = (is: boolean): void => {
      socket.destroy();
      resolve(is);
    };
    socket.once('connect', () => answer(true));
    socket.once('error', () => answer(false));
  });
}

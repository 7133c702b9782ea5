import { fork } from 'node:child_process';
import { join } from 'node:path';
import { packageRoot } from '../../shared/package-root.js';
import { startHiveDaemon } from '../peers/hive.js';
import { markedEnvironment } from '../tools/endings.js';
import { answerOf } from '../tools/answer-of.js';
import { median } from '../tools/statistics.js';

export interface CallRates {
  readonly serial: number;
  readonly pipelined: number;
}

const compiled = (...path: string[]): string => join(packageRoot(), 'dist', 'bench', ...path);
const env = { ...process.env, ...markedEnvironment };

/** Calls a second of the smallest method: a real daemon's, and that of a bare vscode-jsonrpc server. They take turns. */
export async function measureSmallestCall(folder: string, rounds: number, forMs: number): Promise<{ hive: CallRates; bare: CallRates }> {
  const bareSocket = join(folder, 'bare.sock');
  const daemon = await startHiveDaemon(join(folder, 'home'));
  const bare = fork(compiled('rpc', 'rpc-server.js'), ['bare', bareSocket], { env });
  try {
    await answerOf(bare);
    const all: Record<'hive' | 'bare', CallRates[]> = { hive: [], bare: [] };
    for (let round = 0; round < rounds; round += 1) {
      all.bare.push(await ratesOf('bare', bareSocket, forMs));
      all.hive.push(await ratesOf('hive', daemon.socket, forMs));
    }
    return { hive: medians(all.hive), bare: medians(all.bare) };
  } finally {
    bare.kill();
    await daemon.stop();
  }
}

async function ratesOf(kind: string, socket: string, forMs: number): Promise<CallRates> {
  const client = fork(compiled('measure', 'call-client.js'), [kind, socket, String(forMs)], { env });
  return answerOf(client);
}

function medians(rates: readonly CallRates[]): CallRates {
  return { serial: median(rates.map(({ serial }) => serial)), pipelined: median(rates.map(({ pipelined }) => pipelined)) };
}

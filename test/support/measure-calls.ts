import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { DaemonClient } from '../../shared/client/index.js';

/** Milliseconds. */
export interface CallTimes {
  /** The 99th percentile of a call. */
  readonly p99: number;
  /** The same of a byte that goes to a `cat` and back in the same time: what the machine alone takes. */
  readonly machineP99: number;
}

/** Asks a daemon for its status, again and again, until told to stop. */
export async function measureCalls(home: string): Promise<() => Promise<CallTimes>> {
  const client = await DaemonClient.connect({ home });
  const cat = spawn('cat', { stdio: ['pipe', 'pipe', 'ignore'] });
  const calls: number[] = [];
  const echoes: number[] = [];
  let isMeasuring = true;
  const measuring = (async () => {
    while (isMeasuring) {
      const before = performance.now();
      await client.status();
      const between = performance.now();
      cat.stdin.write('x');
      await once(cat.stdout, 'data');
      calls.push(between - before);
      echoes.push(performance.now() - between);
      await delay(2);
    }
  })();
  return async () => {
    isMeasuring = false;
    await measuring;
    client.close();
    cat.stdin.end();
    return { p99: percentile99(calls), machineP99: percentile99(echoes) };
  };
}

/** The promise is 50 ms; on a machine that takes long for anything at the time, it is what that takes, twice. */
export function expectQuick({ p99, machineP99 }: CallTimes): void {
  const limit = Math.max(50, 2 * machineP99);
  if (p99 > limit) throw new Error(`99 % of the calls took up to ${p99.toFixed(1)} ms; the limit was ${limit.toFixed(1)} ms.`);
}

function percentile99(times: number[]): number {
  times.sort((one, other) => one - other);
  return times[Math.floor(times.length * 0.99)] ?? Infinity;
}

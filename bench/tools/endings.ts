import { readdirSync, rmSync } from 'node:fs';
import { randomBytes } from 'node:crypto';
import { environmentMarker } from '../../shared/process/environment-marker.js';

const markerName = 'HIVE_BENCH_RUN';
const marker = randomBytes(8).toString('hex');

/** Everything that this run starts carries this in its environment, and its children inherit it. */
export const markedEnvironment: Readonly<Record<string, string>> = { [markerName]: marker };

const folders = new Set<string>();

/** A folder that goes when the run does. */
export function removeAtEnd(folder: string): string {
  folders.add(folder);
  return folder;
}

/** Processes that were started by this run and are alive. */
export function startedProcesses(): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => pid !== process.pid && environmentMarker(pid, markerName) === marker);
}

/** Ends whatever this run started and still lives, and removes its folders. Synchronous: it is also the last thing that Ctrl-C does. */
export function endEverything(): void {
  // A supervisor may start something anew between two looks.
  for (let look = 0; look < 20; look += 1) {
    const pids = startedProcesses();
    if (pids.length === 0) break;
    for (const pid of pids) {
      try {
        process.kill(pid, 'SIGKILL');
      } catch {
        // Gone by itself.
      }
    }
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 20);
  }
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
  folders.clear();
}

/** From here on Ctrl-C, SIGTERM and any end of this process end everything that it started. */
export function endEverythingAtExit(): void {
  process.on('exit', endEverything);
  for (const [signal, code] of [['SIGINT', 130], ['SIGTERM', 143], ['SIGHUP', 129]] as const) {
    process.on(signal, () => process.exit(code));
  }
}

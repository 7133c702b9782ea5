import { closeSync, fstatSync, ftruncateSync, openSync, readSync, watch, type FSWatcher } from 'node:fs';
import { bootId } from '../../../shared/process/machine.js';
import type { ProcessIdentity } from '../../../shared/process/identity.js';

/** What shims say through the doorbell. A hint at what to read, never the record itself: a line may get lost. */
export type Ring =
  | { readonly kind: 'started'; readonly order: string; readonly incarnation: string; readonly shim: ProcessIdentity; readonly main: ProcessIdentity }
  | { readonly kind: 'refused' | 'declined' | 'failed'; readonly order: string; readonly incarnation: string }
  | { readonly kind: 'exited'; readonly incarnation: string };

const largestBytes = 256 * 1024;

/**
 * One file that every shim of a home appends a line to, watched with a single inotify watch: the daemon learns of a
 * start or an exit within a millisecond, whoever started the shim, and without a descriptor per service.
 */
export class Doorbell {
  private readonly descriptor: number;
  private readonly watcher: FSWatcher | null;
  private readonly buffer = Buffer.allocUnsafe(64 * 1024);
  private offset = 0;
  private unfinished = '';

  /** `onRings` gets the lines of one look in order; `onLoss` is called when lines may have been lost. */
  constructor(path: string, private readonly onRings: (rings: Ring[]) => void, private readonly onLoss: () => void) {
    this.descriptor = openSync(path, 'a+', 0o600);
    // Whatever was rung before is in the records, which are read after this.
    ftruncateSync(this.descriptor, 0);
    this.watcher = this.tryToWatch(path);
  }

  /** Reads what was rung since the last look. The watch calls it; so does the safety poll. */
  look(): void {
    let text = this.unfinished;
    for (;;) {
      const count = readSync(this.descriptor, this.buffer, 0, this.buffer.length, this.offset);
      if (count === 0) break;
      this.offset += count;
      text += this.buffer.toString('latin1', 0, count);
    }
    const lines = text.split('\n');
    this.unfinished = lines.pop() ?? '';
    const rings = lines.map(parseRing).filter((ring) => ring !== null);
    if (rings.length > 0) this.onRings(rings);
    if (this.offset > largestBytes || fstatSync(this.descriptor).size < this.offset) this.startOver();
  }

  close(): void {
    this.watcher?.close();
    closeSync(this.descriptor);
  }

  private startOver(): void {
    ftruncateSync(this.descriptor, 0);
    this.offset = 0;
    this.unfinished = '';
    this.onLoss();
  }

  /** Without a watch (inotify's limits are used up) the safety poll still hears every ring, only later. */
  private tryToWatch(path: string): FSWatcher | null {
    try {
      const watcher = watch(path, { persistent: false }, () => this.look());
      watcher.on('error', () => watcher.close());
      return watcher;
    } catch {
      return null;
    }
  }
}

/** Reads one line of the doorbell; null for a torn one. */
export function parseRing(line: string): Ring | null {
  const [kind, order = '', shimPid, shimStart, pid, start] = line.split(' ');
  const incarnation = order.replace(/\.\d+$/, '');
  if (incarnation === '') return null;
  switch (kind) {
    case 'exited':
      return { kind, incarnation };
    case 'refused':
    case 'declined':
    case 'failed':
      return { kind, order, incarnation };
    case 'started':
      if (start === undefined) return null;
      return {
        kind,
        order,
        incarnation,
        shim: { bootId: bootId(), pid: Number(shimPid), startTicks: Number(shimStart) },
        main: { bootId: bootId(), pid: Number(pid), startTicks: Number(start) },
      };
    default:
      return null;
  }
}

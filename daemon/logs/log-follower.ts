import type { LogLine } from '../../shared/protocol/results.js';
import { newestLines, type LogQuery, type Reach } from './get-logs.js';
import { FollowedStream } from './followed-stream.js';
import type { LogStream } from './log-stream.js';
import { mergeByTime, type ShownLine } from './shown-line.js';
import { WakeUp, watchOnce } from './wake-up.js';

/** Gets lines in order; the next ones are read when its promise is settled. One that rejects ends the following. */
export type OnLines = (lines: LogLine[]) => Promise<void> | void;

/** What a store tells its followers of a stream in their scope. */
export type StreamNews = { readonly kind: 'opened' | 'ended' | 'deleted'; readonly stream: LogStream };

const pollMs = 120;
/** A folder in which nothing was written for so long is watched by the kernel instead of polled. */
const coolMs = 2_000;
const blockBytes = 256 * 1024;
/** How much is read before the lines are handed on. */
const roundBytes = 1024 * 1024;

/** The streams of one service, which one watch covers. */
interface Folder {
  readonly path: string;
  readonly streams: FollowedStream[];
  /** On the monotonic clock; polled until then. */
  hotUntil: number;
  watch: { close: () => void } | null;
}

/** Hands on what streams grow by, for as long as somebody watches. Reads from the files, so that it can be as slow as it likes. */
export class LogFollower {
  private readonly folders = new Map<string, Folder>();
  private readonly wakeUp = new WakeUp();
  private closed = false;
  private turn = 0;
  /** News from before it was known where the streams were to be read from; null since. */
  private early: StreamNews[] | null = [];

  /** Resolves when it is settled from where on everything is handed on. */
  readonly started: Promise<void>;
  private settleStart: () => void = () => undefined;

  constructor(
    private readonly query: LogQuery,
    private readonly onLines: OnLines,
  ) {
    this.started = new Promise((resolve) => {
      this.settleStart = resolve;
    });
  }

  /** Runs until closed; rejects with what `onLines` rejects with. `reaches`: the streams that are there already. */
  async run(reaches: readonly Reach[]): Promise<void> {
    try {
      const past: Reach[] = [];
      for (const reach of reaches) {
        const start = await FollowedStream.lineStart(reach.stream, reach.end);
        this.add(reach.stream, start);
        past.push({ ...reach, end: start });
      }
      const early = this.early ?? [];
      this.early = null;
      for (const news of early) this.tell(news);
      this.settleStart();
      await this.deliver(await newestLines(past, { ...this.query, lines: this.query.lines ?? 0 }));
      while (!this.closed) await this.round();
    } finally {
      this.close();
    }
  }

  tell(news: StreamNews): void {
    if (this.early !== null) {
      this.early.push(news);
      return;
    }
    const path = news.stream.paths.folder;
    const folder = this.folders.get(path);
    const followed = folder?.streams.find((one) => one.stream === news.stream);
    switch (news.kind) {
      case 'opened':
        if (followed === undefined) this.add(news.stream, news.stream.runStart);
        break;
      case 'ended':
        followed?.instanceEnded();
        break;
      case 'deleted':
        if (folder !== undefined && followed !== undefined) folder.streams.splice(folder.streams.indexOf(followed), 1);
        break;
    }
    const now = this.folders.get(path);
    if (now !== undefined) this.heat(now);
  }

  close(): void {
    this.closed = true;
    this.settleStart();
    for (const folder of this.folders.values()) folder.watch?.close();
    this.wakeUp.raise();
  }

  private add(stream: LogStream, position: number): void {
    const path = stream.paths.folder;
    const folder = this.folders.get(path) ?? { path, streams: [], hotUntil: 0, watch: null };
    this.folders.set(path, folder);
    folder.streams.push(new FollowedStream(stream, position, this.query.level ?? 'trace'));
    this.heat(folder);
  }

  private heat(folder: Folder): void {
    folder.watch?.close();
    folder.watch = null;
    folder.hotUntil = performance.now() + coolMs;
    this.wakeUp.raise();
  }

  private async round(): Promise<void> {
    const hot = [...this.folders.values()].filter((folder) => folder.watch === null);
    const lines: ShownLine[] = [];
    let left = roundBytes;
    let behind = false;
    // Each round begins with another service, so that a fast one cannot keep the others from being read.
    this.turn += 1;
    for (let index = 0; index < hot.length; index += 1) {
      const folder = hot[(index + this.turn) % hot.length];
      if (folder === undefined) continue;
      for (const followed of [...folder.streams]) {
        if (await followed.look()) folder.hotUntil = performance.now() + coolMs;
        if (left > 0) {
          lines.push(...(await followed.read(Math.min(left, blockBytes))));
          left -= blockBytes;
        }
        behind ||= followed.behind;
      }
      if (performance.now() > folder.hotUntil && !folder.streams.some((one) => one.behind)) await this.cool(folder);
    }
    await this.deliver(mergeByTime(lines));
    if (this.closed || behind) return;
    await this.wakeUp.wait([...this.folders.values()].some((folder) => folder.watch === null) ? pollMs : Infinity);
  }

  /** Lets the kernel say when something is written; what was written before it watched is looked for once more. */
  private async cool(folder: Folder): Promise<void> {
    folder.watch = watchOnce(folder.path, () => this.heat(folder));
    for (const followed of [...folder.streams]) if (await followed.look()) this.heat(folder);
    if (this.closed) folder.watch?.close();
  }

  private async deliver(shown: ShownLine[]): Promise<void> {
    if (shown.length > 0 && !this.closed) await this.onLines(shown.map((one) => one.line));
  }
}

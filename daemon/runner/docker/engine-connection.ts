import { request } from 'node:http';
import type { Readable } from 'node:stream';
import type Docker from 'dockerode';
import { HiveError } from '../../../shared/errors/index.js';
import { engineProgram, engineRemedies } from '../../../shared/engines/engine-sockets.js';
import type { Availability, EngineRef } from '../runner.js';
import { isUnreachable, statusOf } from './engine-error.js';

export interface EngineConnectionOptions {
  readonly engine: EngineRef;
  /** Labels of what is ours: only what happens to these is told. */
  readonly labels: readonly string[];
  /** Something happened to a container of ours. */
  readonly onEvent: (containerId: string, action: string) => void;
  /** The engine answers, and events come from now on: what happened before has to be looked at. Rejects when the engine is gone again. */
  readonly resync: () => Promise<void>;
  readonly onAvailability: (availability: Availability) => void;
}

const usualTimeoutMs = 30_000;
const pingTimeoutMs = 5_000;
/** How often an engine that answers is asked whether it still does; the end of the event stream tells sooner. */
const pingEveryMs = 5_000;
const shortestPauseMs = 100;
const longestPauseMs = 1_000;

/**
 * One engine: calls to it, its stream of events, and whether it is there. It is looked for until `close`, once a second, by
 * a plain request; the library that speaks to it is loaded when it first answers.
 */
export class EngineConnection {
  private state: Availability;
  private docker: Docker | null = null;
  private closed = false;
  private events: Readable | null = null;
  private wake: (() => void) | null = null;
  private readonly waiting = new Set<() => void>();

  constructor(private readonly options: EngineConnectionOptions) {
    const { engine } = options;
    this.state = { ok: false, why: `${engine.type} at ${engine.socket} has not answered yet`, next: engineRemedies(engine.type).start, notAskedYet: true };
  }

  /** Begins to look for the engine. */
  open(): void {
    void this.keepLooking();
  }

  availability(): Availability {
    return this.state;
  }

  /** Resolves once the engine is available, or the connection is closed. */
  async whenAvailable(): Promise<void> {
    while (!this.state.ok && !this.closed) await new Promise<void>((resolve) => this.waiting.add(resolve));
  }

  /**
   * Asks the engine. What it answers with an error is thrown as it is (`statusOf`, `saidBy`).
   * @throws HiveError ENGINE_UNAVAILABLE when it does not answer within the time; it then counts as away
   */
  async call<Answer>(ask: (docker: Docker) => Promise<Answer>, timeoutMs = usualTimeoutMs): Promise<Answer> {
    const { docker } = this;
    if (docker === null || this.closed) throw this.unavailable();
    let timer: NodeJS.Timeout | undefined;
    try {
      return await Promise.race([
        ask(docker),
        new Promise<never>((_, reject) => {
          timer = setTimeout(() => reject(new Error(`no answer within ${timeoutMs / 1_000} s`)), timeoutMs);
        }),
      ]);
    } catch (error) {
      if (statusOf(error) !== null || !isUnreachable(error)) throw error;
      this.lost(error);
      throw this.unavailable();
    } finally {
      clearTimeout(timer);
    }
  }

  close(): void {
    this.closed = true;
    this.events?.destroy();
    this.wake?.();
    this.release();
  }

  private unavailable(): HiveError {
    const { engine } = this.options;
    const { why, next } = this.state.ok ? { why: `${engine.type} at ${engine.socket} does not answer`, next: engineRemedies(engine.type).start } : this.state;
    return new HiveError('ENGINE_UNAVAILABLE', `${why}.`, { next: `Start it with: ${next}` });
  }

  private async keepLooking(): Promise<void> {
    for (let pauseMs = shortestPauseMs; !this.closed; ) {
      try {
        await this.live();
        pauseMs = shortestPauseMs;
      } catch (error) {
        this.lost(error);
        await this.pause(pauseMs);
        pauseMs = Math.min(longestPauseMs, pauseMs * 2);
      }
    }
  }

  /** From its answer to a first ping until its events end; rejects when it does not answer. */
  private async live(): Promise<void> {
    await ping(this.options.engine.socket);
    this.docker ??= await speaker(this.options.engine.socket);
    const events = await within(this.docker.getEvents({ filters: { type: ['container'], label: [...this.options.labels] } }) as Promise<Readable>, 'no stream of events');
    this.events = events;
    const ended = this.read(events);
    try {
      await this.options.resync();
      if (this.closed) return;
      this.become({ ok: true });
      await Promise.race([ended, this.watch(events)]);
    } finally {
      events.destroy();
    }
  }

  /** Rejects once the engine does not answer any more, although its stream of events is still open. */
  private async watch(events: Readable): Promise<void> {
    while (!this.closed && !events.destroyed && this.state.ok) {
      await this.pause(pingEveryMs);
      if (!this.closed && !events.destroyed) await ping(this.options.engine.socket);
    }
  }

  private read(events: Readable): Promise<void> {
    let rest = '';
    events.on('data', (chunk: Buffer) => {
      const lines = (rest + chunk.toString()).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) this.heard(line);
    });
    return new Promise((resolve) => {
      events.once('error', () => resolve());
      events.once('close', () => resolve());
      events.once('end', () => resolve());
    });
  }

  private heard(line: string): void {
    try {
      const { Action, status, Actor, id } = JSON.parse(line) as { Action?: string; status?: string; Actor?: { ID?: string }; id?: string };
      const container = Actor?.ID ?? id;
      if (container !== undefined) this.options.onEvent(container, Action ?? status ?? '');
    } catch {
      // Half a line, cut off by the engine's end: the next resync looks at everything.
    }
  }

  private lost(error: unknown): void {
    if (this.closed) return;
    const { engine } = this.options;
    const { code, message } = error as NodeJS.ErrnoException;
    const { start, install } = engineRemedies(engine.type);
    this.events?.destroy();
    this.become({
      ok: false,
      why: `${engineProgram(engine.type)} does not answer at ${engine.socket} (${code ?? message})`,
      next: code === 'ENOENT' ? `${start}; where it is missing: ${install}` : start,
    });
    this.wake?.();
  }

  private become(availability: Availability): void {
    const before = this.state;
    this.state = availability;
    if (availability.ok) this.release();
    if (before.ok !== availability.ok || (!before.ok && !availability.ok && before.why !== availability.why)) this.options.onAvailability(availability);
  }

  private release(): void {
    for (const resolve of this.waiting) resolve();
    this.waiting.clear();
  }

  private pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      timer.unref();
      this.wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}

/** dockerode costs 90 ms and 27 MB: only an engine that answers is worth it. */
async function speaker(socket: string): Promise<Docker> {
  const { default: Docker } = await import('dockerode');
  const tcp = /^(?:tcp|http):\/\/([^:/]+):(\d+)/.exec(socket);
  return tcp === null ? new Docker({ socketPath: socket }) : new Docker({ host: tcp[1] ?? '', port: Number(tcp[2]), protocol: 'http' });
}

/** Rejects with a system error when nobody listens, and after 5 s when nobody answers. */
export function ping(socket: string): Promise<void> {
  const tcp = /^(?:tcp|http):\/\/([^:/]+):(\d+)/.exec(socket);
  return new Promise((resolve, reject) => {
    const asked = request({ path: '/_ping', agent: false, timeout: pingTimeoutMs, ...(tcp === null ? { socketPath: socket } : { host: tcp[1], port: tcp[2] }) }, (answer) => {
      answer.resume();
      answer.on('error', () => undefined);
      if (answer.statusCode === 200) resolve();
      else reject(new Error(`it answers ${answer.statusCode}`));
    });
    asked.once('timeout', () => asked.destroy(new Error(`no answer within ${pingTimeoutMs / 1_000} s`)));
    asked.once('error', reject);
    asked.end();
  });
}

async function within<Value>(promise: Promise<Value>, complaint: string): Promise<Value> {
  let timer: NodeJS.Timeout | undefined;
  try {
    return await Promise.race([promise, new Promise<never>((_, reject) => { timer = setTimeout(() => reject(new Error(complaint)), usualTimeoutMs); })]);
  } finally {
    clearTimeout(timer);
  }
}

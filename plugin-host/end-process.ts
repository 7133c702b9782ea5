import type { PluginTimings } from '../shared/plugin/plugin-timings.js';
import type { WatchedProcess } from './watched-process.js';

export interface EndOptions {
  /** ask: with a `shutdown` request first. await: its link is gone, so it gets a moment to notice. kill: it is past asking. */
  readonly how: 'ask' | 'await' | 'kill';
  /** Sends the `shutdown` request and resolves with the answer, or with the end of the link. */
  readonly askToShutDown: () => Promise<unknown>;
  readonly timings: PluginTimings;
}

/** Takes a plugin's process down, one step after the other, each with its own deadline. Resolves when it is gone. */
export async function endProcess(target: WatchedProcess, { how, askToShutDown, timings }: EndOptions): Promise<void> {
  const gone = target.exited.then(() => 'gone' as const);
  const within = (ms: number, others: Promise<unknown>[] = []): Promise<unknown> => withTimeout(ms, [gone, ...others]);

  if (how === 'ask') {
    const answered = askToShutDown().catch(() => undefined);
    if ((await within(timings.shutdownMs, [answered])) === 'gone') return;
  }
  if (how !== 'kill' && (await within(timings.exitMs)) === 'gone') return;
  target.signal('SIGTERM');
  if ((await within(how === 'kill' ? timings.exitMs : timings.terminateMs)) === 'gone') return;
  target.signal('SIGKILL');
  await gone;
}

async function withTimeout(ms: number, promises: Promise<unknown>[]): Promise<unknown> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<void>((resolve) => { timer = setTimeout(resolve, ms); });
  try {
    return await Promise.race([...promises, timeout]);
  } finally {
    clearTimeout(timer);
  }
}

import { toHiveError } from '../../shared/errors/hive-error.js';
import type { PluginTimings } from '../../shared/plugin/plugin-timings.js';
import type { RpcConnection } from '../../shared/rpc/index.js';
import type { LoopWatch } from './loop-watch.js';

export interface HeartbeatListener {
  /** So many pings in a row went without an answer. */
  readonly onUnresponsive: () => void;
  readonly onResponsive: () => void;
  /** The second chance passed, too. The heart is not listened to any more. */
  readonly onHopeless: (silentForMs: number) => void;
}

/** Pings a peer and says when it stops answering. What is missed while this process itself was late does not count. */
export class Heartbeat {
  #timer: NodeJS.Timeout | undefined;
  #misses = 0;
  #lastHeard = performance.now();
  #unresponsiveSince: number | null = null;
  #isOver = false;

  constructor(
    private readonly connection: RpcConnection, private readonly timings: PluginTimings,
    private readonly loop: LoopWatch, private readonly listener: HeartbeatListener,
  ) {
    this.#next(timings.pingIntervalMs);
  }

  close(): void {
    this.#isOver = true;
    clearTimeout(this.#timer);
  }

  #next(inMs: number): void {
    if (this.#isOver) return;
    this.#timer = setTimeout(() => void this.#beat(), inMs);
  }

  async #beat(): Promise<void> {
    const sentAt = performance.now();
    const isAnswered = await this.#ping();
    if (this.#isOver || this.connection.isClosed) return;
    if (isAnswered) this.#heard();
    else if (!this.loop.wasLateSince(sentAt)) this.#missed();
    else if (this.#unresponsiveSince !== null) this.#unresponsiveSince = performance.now();
    this.#next(Math.max(0, this.timings.pingIntervalMs - (performance.now() - sentAt)));
  }

  async #ping(): Promise<boolean> {
    try {
      await this.connection.call('$/ping', undefined, { deadlineMs: this.timings.pingIntervalMs });
      return true;
    } catch (thrown) {
      // A peer that refuses the ping has read it.
      const { code } = toHiveError(thrown);
      return code !== 'TIMEOUT' && code !== 'CONNECTION_CLOSED';
    }
  }

  #heard(): void {
    this.#misses = 0;
    this.#lastHeard = performance.now();
    if (this.#unresponsiveSince === null) return;
    this.#unresponsiveSince = null;
    this.listener.onResponsive();
  }

  #missed(): void {
    this.#misses++;
    const now = performance.now();
    if (this.#unresponsiveSince === null) {
      if (this.#misses < this.timings.pingMisses) return;
      this.#unresponsiveSince = now;
      this.listener.onUnresponsive();
    } else if (now - this.#unresponsiveSince >= this.timings.secondChanceMs) {
      this.close();
      this.listener.onHopeless(now - this.#lastHeard);
    }
  }
}

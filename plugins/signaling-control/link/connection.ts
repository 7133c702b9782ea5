import type { WebSocket } from 'ws';
import type { LinkTimings } from './link-timings.js';

const mostMisses = 2;
/** What the server has not read; then the link is given up, and what it missed is sent over the next one. */
const mostUnsentBytes = 16 * 2 ** 20;
/** The content of a ping whose answer says that everything before it has arrived. */
const confirmation = 'arrived?';

/** One connection's heart: pings, and which results the other side has for sure. */
export class Connection {
  whyEnded: string | null = null;
  #heart: NodeJS.Timeout | undefined;
  #registration: NodeJS.Timeout | undefined;
  #confirm: NodeJS.Timeout | undefined;
  #misses = 0;
  #unconfirmed: (() => void)[] = [];
  /** Asked about by a ping that is on its way. */
  #asked: (() => void)[] = [];

  constructor(private readonly socket: WebSocket, private readonly timings: LinkTimings) {
    socket.on('pong', (data: Buffer) => {
      this.heard();
      if (data.toString() !== confirmation) return;
      for (const arrived of this.#asked.splice(0)) arrived();
      if (this.#unconfirmed.length > 0) this.#confirmSoon();
    });
    socket.on('ping', () => this.heard());
    socket.on('open', () => { this.#heart = setInterval(() => this.#beat(), timings.pingMs); });
  }

  heard(): void {
    this.#misses = 0;
  }

  expectRegistration(onMissed: () => void): void {
    this.#registration = setTimeout(() => {
      onMissed();
      this.socket.terminate();
    }, this.timings.registerMs);
  }

  registered(): void {
    clearTimeout(this.#registration);
  }

  send(message: string, onArrived?: () => void): void {
    if (this.socket.bufferedAmount > mostUnsentBytes) {
      this.#giveUp('the server does not read what it is sent');
      return;
    }
    this.socket.send(message);
    if (onArrived === undefined) return;
    this.#unconfirmed.push(onArrived);
    this.#confirmSoon();
  }

  end(): void {
    clearInterval(this.#heart);
    clearTimeout(this.#registration);
    clearTimeout(this.#confirm);
  }

  #beat(): void {
    if (this.#misses >= mostMisses) {
      this.#giveUp(`the server answered no ping for ${(mostMisses * this.timings.pingMs) / 1_000} s`);
      return;
    }
    this.#misses += 1;
    this.socket.ping();
  }

  /** Messages arrive in order: whoever answers this ping has got all that was sent before it. */
  #confirmSoon(): void {
    if (this.#asked.length > 0) return;
    this.#confirm ??= setTimeout(() => {
      this.#confirm = undefined;
      if (this.socket.readyState !== this.socket.OPEN) return;
      this.#asked = this.#unconfirmed.splice(0);
      this.socket.ping(confirmation);
    }, this.timings.confirmMs);
  }

  #giveUp(why: string): void {
    this.whyEnded = why;
    this.socket.terminate();
  }
}

import { Agent, request } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';

/** Requests at a pace, over kept connections, which no proxy may repeat (POST); everything but a whole 200 is a failure. */
export class PacedLoad {
  readonly failures: string[] = [];
  /** Who answered, and how often. */
  readonly answers = new Map<string, number>();
  private stopped = false;
  private readonly agent = new Agent({ keepAlive: true });
  private readonly loops: Promise<void>[];

  /** `clients` ask one request after the other, with `pauseMs` between an answer and the next request. */
  constructor(private readonly port: number, private readonly path: string, clients: number, private readonly pauseMs: number) {
    this.loops = Array.from({ length: clients }, () => this.loop());
  }

  get answered(): number {
    return [...this.answers.values()].reduce((sum, count) => sum + count, 0);
  }

  async stop(): Promise<void> {
    this.stopped = true;
    await Promise.all(this.loops);
    this.agent.destroy();
  }

  private async loop(): Promise<void> {
    while (!this.stopped) {
      const outcome = await this.ask();
      if ('body' in outcome) this.answers.set(outcome.body, (this.answers.get(outcome.body) ?? 0) + 1);
      else this.failures.push(outcome.failure);
      await delay(this.pauseMs);
    }
  }

  private ask(): Promise<{ body: string } | { failure: string }> {
    return new Promise((resolve) => {
      const asked = request({ host: '127.0.0.1', port: this.port, path: this.path, method: 'POST', agent: this.agent }, (response) => {
        let body = '';
        response.on('data', (chunk: Buffer) => { body += chunk.toString(); });
        response.on('end', () => resolve(response.statusCode === 200 && /^\d+$/.test(body) ? { body } : { failure: `${response.statusCode} ${body.slice(0, 200)}` }));
        response.on('error', (error) => resolve({ failure: `cut off: ${error.message}` }));
      });
      asked.on('error', (error) => resolve({ failure: error.message }));
      asked.end('work');
    });
  }
}

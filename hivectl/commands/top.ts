import { emitKeypressEvents } from 'node:readline';
import { HiveError, toHiveError } from '../../shared/errors/hive-error.js';
import type { DaemonClient } from '../../shared/client/daemon-client.js';
import type { HostStats, LogLine, Service, Stats } from '../../shared/protocol/results.js';
import type { Context } from '../context.js';
import { exitCodes } from '../exit-codes.js';
import { patient } from '../patience.js';
import { renderTop } from '../render/top-screen.js';
import { firstScreen, press, shownServices, type Effect, type ScreenState, type Wish } from '../top/screen-state.js';

const refreshMs = 1_000;

interface Facts {
  readonly services: readonly Service[];
  readonly stats: readonly Stats[];
  readonly host: HostStats | null;
  readonly lines: readonly LogLine[];
  readonly trouble: string | null;
}

const alternateScreen = { enter: '\x1b[?1049h\x1b[?25l', leave: '\x1b[?25h\x1b[?1049l' };

/** `hivectl top`: looks once a second; with `--json` prints each look as a line, for as long as it is let. */
export async function top(context: Context): Promise<void> {
  if (context.options.json) return printLooks(context);
  const { stdin, stdout } = process;
  if (!stdin.isTTY || !stdout.isTTY) {
    throw new HiveError('NOT_SUPPORTED', 'hivectl top needs a terminal.', { next: 'hivectl status and hivectl stats print the same once; hivectl top --json prints it every second.' });
  }
  await context.client();
  emitKeypressEvents(stdin);
  stdin.setRawMode(true);
  context.terminal.out(alternateScreen.enter);
  const leave = (): void => {
    stdin.setRawMode(false);
    context.terminal.out(alternateScreen.leave);
  };
  // Also when something throws where nobody awaits it: a terminal must not be left raw.
  process.once('exit', leave);
  try {
    await new Top(context).run();
  } finally {
    process.removeListener('exit', leave);
    leave();
  }
}

/** The screen, what is known, and the keys. */
class Top {
  #state: ScreenState = firstScreen;
  #facts: Facts = { services: [], stats: [], host: null, lines: [], trouble: null };
  #drawn = '';

  constructor(private readonly context: Context) {}

  async run(): Promise<void> {
    const { stdin, stdout } = process;
    let timer: NodeJS.Timeout | undefined;
    const quit = new Promise<void>((resolve) => {
      stdin.on('keypress', (text: string | undefined, { name, ctrl, sequence }: { name?: string; ctrl?: boolean; sequence?: string }) => {
        const { state, effect } = press(this.#state, { name: name ?? '', text: text ?? sequence ?? '', ctrl: ctrl ?? false }, this.#shown());
        this.#state = state;
        if (effect !== null) void this.#perform(effect, resolve);
        if (state.mode.kind === 'logs') void this.#look();
        this.#draw();
      });
    });
    stdout.on('resize', () => {
      this.#drawn = '';
      this.#draw();
    });
    const again = async (): Promise<void> => {
      await this.#look();
      timer = setTimeout(() => void again(), refreshMs);
    };
    void again();
    await quit;
    clearTimeout(timer);
  }

  #shown(): Service[] {
    return shownServices(this.#state, this.#facts.services, this.#facts.stats);
  }

  async #look(): Promise<void> {
    const { mode } = this.#state;
    try {
      const looked = await look(await this.context.client(), mode.kind === 'logs' ? mode.fqn : null);
      this.#facts = { ...looked, trouble: null };
    } catch (thrown) {
      const { message, code } = toHiveError(thrown);
      this.#facts = { ...this.#facts, trouble: `As of a moment ago: ${message}` };
      if (code === 'CONNECTION_CLOSED' || code === 'DAEMON_UNREACHABLE') await this.context.disconnect();
    }
    this.#draw();
  }

  async #perform(effect: Effect, quit: () => void): Promise<void> {
    if (effect.do === 'quit') return quit();
    const { wish, fqn } = effect;
    try {
      await ask(await this.context.client(), wish, fqn);
      this.#say(`Asked ${fqn} to ${wish}.`);
    } catch (thrown) {
      const { message, next } = toHiveError(thrown);
      this.#say(next === undefined ? message : `${message} ${next}`);
    }
    await this.#look();
  }

  #say(message: string): void {
    this.#state = { ...this.#state, message };
  }

  #draw(): void {
    const { columns = 80, rows = 24 } = process.stdout;
    const { paint } = this.context.terminal;
    const lines = renderTop({ ...this.#facts, state: this.#state, shown: this.#shown(), now: new Date(), columns, rows, paint });
    const screen = lines.map((line) => `${line}\x1b[K`).join('\r\n');
    if (screen === this.#drawn) return;
    this.#drawn = screen;
    this.context.terminal.out(`\x1b[H${screen}\x1b[J`);
  }
}

async function look(client: DaemonClient, logOf: string | null): Promise<Omit<Facts, 'trouble'>> {
  const [{ services }, { stats, host }, { lines }] = await Promise.all([
    client.listServices(),
    client.getStats(),
    logOf === null ? { lines: [] } : client.getLogs({ fqn: logOf, lines: 200 }),
  ]);
  return { services, stats, host, lines };
}

async function ask(client: DaemonClient, wish: Wish, fqn: string): Promise<void> {
  switch (wish) {
    case 'start':
      return void (await client.startService({ fqn }, patient));
    case 'stop':
      return void (await client.stopService({ fqn }, patient));
    case 'restart':
      return void (await client.restartService({ fqn }, patient));
  }
}

async function printLooks(context: Context): Promise<never> {
  context.whenInterrupted(() => exitCodes.done);
  for (;;) {
    const { services, stats, host } = await look(await context.client(), null);
    context.terminal.out(`${JSON.stringify({ services, stats, host })}\n`);
    await new Promise((resolve) => setTimeout(resolve, refreshMs));
  }
}

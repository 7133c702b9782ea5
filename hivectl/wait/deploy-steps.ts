import type { Context } from '../context.js';
import { LiveArea } from '../live-area.js';
import { renderDeploys, type DeployRow } from '../render/deploy-steps.js';
import { humanDuration } from '../render/measures.js';
import { printable } from '../render/text.js';

/** Shows the steps of deploys as they are done: all of them on a terminal, a line for each that begins elsewhere. */
export interface DeploySteps {
  began(fqn: string, strategy: string): void;
  /** A step is under way; the one before it is done. */
  step(fqn: string, text: string): void;
  ended(fqn: string, outcome: 'done' | 'failed'): void;
  /** Nothing more is drawn. */
  close(): void;
}

const redrawMs = 200;

export function showDeploySteps(context: Context): DeploySteps {
  const { options, terminal } = context;
  if (options.json || options.quiet) return { began: () => {}, step: () => {}, ended: () => {}, close: () => {} };
  return terminal.progressRows === null ? new StepLines(context) : new StepTree(context);
}

class StepTree implements DeploySteps {
  readonly #rows = new Map<string, DeployRow>();
  readonly #area: LiveArea;
  readonly #timer: NodeJS.Timeout;

  constructor(private readonly context: Context) {
    this.#area = new LiveArea(context.terminal);
    this.#timer = setInterval(() => this.#draw(), redrawMs);
  }

  began(fqn: string, strategy: string): void {
    this.#rows.set(fqn, { fqn, strategy, steps: [], outcome: null });
    this.#draw();
  }

  step(fqn: string, text: string): void {
    const now = performance.now();
    this.#change(fqn, (row) => ({ ...row, steps: [...endLast(row, now), { text, beganAt: now, endedAt: null }] }));
  }

  ended(fqn: string, outcome: 'done' | 'failed'): void {
    this.#change(fqn, (row) => ({ ...row, steps: endLast(row, performance.now()), outcome }));
  }

  close(): void {
    clearInterval(this.#timer);
  }

  #change(fqn: string, change: (row: DeployRow) => DeployRow): void {
    const row = this.#rows.get(fqn);
    if (row !== undefined) this.#rows.set(fqn, change(row));
    this.#draw();
  }

  #draw(): void {
    const { terminal } = this.context;
    this.#area.draw(renderDeploys([...this.#rows.values()], { columns: process.stderr.columns, rows: terminal.progressRows ?? 0, now: performance.now() }, terminal.paintErr));
  }
}

function endLast({ steps }: DeployRow, now: number): DeployRow['steps'] {
  return steps.map((step) => (step.endedAt === null ? { ...step, endedAt: now } : step));
}

class StepLines implements DeploySteps {
  readonly #beganAt = performance.now();

  constructor(private readonly context: Context) {}

  began(): void {}

  step(fqn: string, text: string): void {
    this.context.note(`${fqn}  ${humanDuration(performance.now() - this.#beganAt)}  ${printable(text)}`);
  }

  ended(): void {}

  close(): void {}
}

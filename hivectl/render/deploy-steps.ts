import type { Paint } from '../terminal.js';
import { humanDuration } from './measures.js';
import { cut, printable } from './text.js';

export interface DeployStep {
  readonly text: string;
  /** Milliseconds on the clock of `performance.now()`. */
  readonly beganAt: number;
  readonly endedAt: number | null;
}

/** One deploy, as far as it has come. */
export interface DeployRow {
  readonly fqn: string;
  readonly strategy: string;
  readonly steps: readonly DeployStep[];
  /** Null: it goes on. */
  readonly outcome: 'done' | 'failed' | null;
}

export interface Room { readonly columns: number; readonly rows: number; readonly now: number }

/** Each deploy with its steps below it and how long each took; when there is too little room, the last steps of each. */
export function renderDeploys(rows: readonly DeployRow[], { columns, rows: height, now }: Room, paint: Paint): string[] {
  const most = Math.max(1, Math.floor((height - 1) / Math.max(1, rows.length)) - 1);
  return rows.flatMap((row) => {
    const shown = row.steps.slice(-most);
    const title = `${paint('bold', row.fqn)}  ${paint('dim', row.strategy)}`;
    return [title, ...shown.map((step, index) => renderStep(row, step, index === shown.length - 1, columns, now, paint))];
  });
}

function renderStep({ outcome }: DeployRow, { text, beganAt, endedAt }: DeployStep, isLast: boolean, columns: number, now: number, paint: Paint): string {
  const [mark, style] = isLast && outcome === 'failed' ? (['✘', 'red'] as const) : endedAt === null ? (['…', 'yellow'] as const) : (['✔', 'green'] as const);
  const branch = isLast ? '└─' : '├─';
  const took = humanDuration((endedAt ?? now) - beganAt);
  const room = Math.max(0, columns - branch.length - took.length - 6);
  return `${paint('dim', branch)} ${paint(style, mark)} ${cut(printable(text), room)}  ${paint('dim', took)}`;
}

import type { Service } from '../../shared/protocol/results.js';
import type { Paint, Style } from '../terminal.js';
import { humanDuration } from './measures.js';
import { stateStyle } from './state-style.js';
import { cut, printable } from './text.js';

export type Outcome = 'reached' | 'not-reached' | null;

/** A service on its way, and whether it arrived. */
export interface ProgressRow {
  readonly service: Service;
  readonly outcome: Outcome;
  readonly elapsedMs: number;
}

/**
 * Services below their sources. What has arrived goes first when there is too little room: the last line then counts
 * what is not shown.
 */
export function renderProgress(rows: readonly ProgressRow[], room: { readonly columns: number; readonly rows: number }, paint: Paint): string[] {
  const sources = [...new Set(rows.map(({ service }) => service.source))];
  const most = Math.max(1, room.rows - sources.length - 2);
  const shown = rows.length <= most ? rows : [...rows].sort((a, b) => rank(a) - rank(b)).slice(0, most);
  const widest = shown.reduce((width, { service }) => Math.max(width, service.name.length), 0);
  const lines = sources.flatMap((source) => {
    const own = shown.filter(({ service }) => service.source === source);
    if (own.length === 0) return [];
    return [paint('bold', source), ...own.map((row, index) => renderRow(row, index === own.length - 1, widest, room.columns, paint))];
  });
  const hidden = rows.length - shown.length;
  return hidden === 0 ? lines : [...lines, paint('dim', `… and ${hidden} more`)];
}

function rank({ outcome }: ProgressRow): number {
  return outcome === 'not-reached' ? 0 : outcome === null ? 1 : 2;
}

function renderRow({ service, outcome, elapsedMs }: ProgressRow, isLast: boolean, widest: number, columns: number, paint: Paint): string {
  const [mark, style] = outcomeMark(outcome);
  const branch = isLast ? '└─' : '├─';
  const state = `${stateWord(service)} ${humanDuration(elapsedMs)}`.padEnd(20);
  const left = `${branch} ${mark} ${service.name.padEnd(widest)}  `;
  const reason = outcome === 'reached' ? '' : cut(printable(service.reason), Math.max(0, columns - left.length - state.length - 2));
  const painted = `${paint('dim', branch)} ${paint(style, mark)} ${service.name.padEnd(widest)}  ${paint(stateStyle(service.state, service.healthy), state)}`;
  return `${painted} ${paint('dim', reason)}`.trimEnd();
}

function outcomeMark(outcome: Outcome): [string, Style] {
  if (outcome === 'reached') return ['✔', 'green'];
  return outcome === 'not-reached' ? ['✘', 'red'] : ['…', 'yellow'];
}

function stateWord({ state, healthy }: Service): string {
  if (state !== 'running' || healthy === null) return state;
  return healthy ? 'healthy' : 'unhealthy';
}

/** The line that stands for a service that arrived, where nothing can be drawn. */
export function progressLine({ service, outcome, elapsedMs }: ProgressRow): string {
  const reason = outcome === 'not-reached' && service.reason !== '' ? `: ${printable(service.reason)}` : '';
  return `${service.fqn}  ${stateWord(service)} after ${humanDuration(elapsedMs)}${reason}`;
}

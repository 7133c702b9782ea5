import type { HostStats, LogLine, Service, Stats } from '../../shared/protocol/results.js';
import type { Paint } from '../terminal.js';
import type { ScreenState } from '../top/screen-state.js';
import { renderLogLine } from './log-line.js';
import { humanSize } from './measures.js';
import { renderStatus, summary } from './status-table.js';
import { cut, printable } from './text.js';

/** What is known to draw a screen of `hivectl top`. */
export interface TopView {
  readonly state: ScreenState;
  /** As `shownServices` answers them. */
  readonly shown: readonly Service[];
  readonly services: readonly Service[];
  readonly stats: readonly Stats[];
  readonly host: HostStats | null;
  /** The last lines of the service whose log is open. */
  readonly lines: readonly LogLine[];
  /** Why nothing new comes; null: it does. */
  readonly trouble: string | null;
  readonly now: Date;
  readonly columns: number;
  readonly rows: number;
  readonly paint: Paint;
}

const inverse = (line: string): string => `\x1b[7m${line}\x1b[27m`;

/** The screen as at most `rows` lines. */
export function renderTop(view: TopView): string[] {
  const { state, columns, rows, paint } = view;
  const body = state.mode.kind === 'logs' ? logBody(view, rows - 3) : tableBody(view, rows - 3);
  const blank = Array.from({ length: Math.max(0, rows - 3 - body.length) }, () => '');
  return [cut(headline(view), columns), '', ...body, ...blank, footer(view, paint)];
}

function headline({ services, host, trouble }: TopView): string {
  if (trouble !== null) return trouble;
  const machine = host === null ? '' : `   CPU ${host.cpu.toFixed(2)} of ${host.cores} cores, memory ${humanSize(host.memoryBytes)} of ${humanSize(host.memoryTotalBytes)}`;
  return `${services.length === 0 ? 'No services' : summary(services)}${machine}`;
}

/** The selected row stays on the screen, whatever there is above it. */
function tableBody({ state, shown, services, stats, now, columns, paint }: TopView, height: number): string[] {
  if (shown.length === 0) return [services.length === 0 ? 'In a folder with .adi/hive.yaml, `hivectl up` starts what it describes.' : `Nothing matches "${printable(state.filter)}".`];
  const [head = '', ...lines] = renderStatus(shown, stats, { now: now.getTime(), columns, paint });
  const at = Math.max(0, shown.findIndex(({ fqn }) => fqn === state.selected));
  const room = Math.max(1, height - 1);
  const first = Math.min(Math.max(0, at - Math.floor(room / 2)), Math.max(0, lines.length - room));
  return [head, ...lines.slice(first, first + room).map((line, index) => (first + index === at ? inverse(line) : line))];
}

function logBody({ state, lines, now, columns, paint }: TopView, height: number): string[] {
  const title = state.mode.kind === 'logs' ? `Log of ${state.mode.fqn}` : '';
  const shown = lines.slice(-Math.max(1, height - 1)).map((line) => cut(renderLogLine({ ...line, message: printable(line.message) }, { names: 'none', timestamps: true, now, paint: (_style, text) => text }), columns));
  return [paint('bold', title), ...(shown.length === 0 ? ['It has written nothing yet.'] : shown)];
}

function footer({ state, columns }: TopView, paint: Paint): string {
  switch (state.mode.kind) {
    case 'filter':
      return cut(`Filter: ${printable(state.filter)}_   Enter keeps it, Esc clears it`, columns);
    case 'confirm':
      return cut(`Really ${state.mode.wish} ${state.mode.fqn}?  y does, any other key does not`, columns);
    case 'logs':
      return paint('dim', cut('Esc goes back', columns));
    case 'table': {
      if (state.message !== '') return cut(printable(state.message), columns);
      const by = `←→ by ${state.order}${state.reversed ? ', reversed' : ''}`;
      const filter = state.filter === '' ? '/ filter' : `/ "${printable(state.filter)}"`;
      return paint('dim', cut(`↑↓ choose  ${by}  ! reverse  ${filter}  l log  r restart  x stop  s start  q quit`, columns));
    }
  }
}

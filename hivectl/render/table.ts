import type { Paint, Style } from '../terminal.js';
import { cut, printable } from './text.js';

export interface Column<Row> {
  readonly title: string;
  readonly cell: (row: Row) => string;
  readonly align?: 'right';
  readonly style?: (row: Row) => Style | null;
  /**
   * What happens when the terminal is too narrow: `keep` (default) keeps the column, a number drops it (lowest first),
   * `cut` shortens its cells.
   */
  readonly narrow?: 'keep' | 'cut' | number;
}

const gap = '  ';
const narrowestCut = 16;

/** Lays rows out under titles. With `columns` null nothing is cut; columns that are empty in every row are left out. */
export function renderTable<Row>(table: readonly Column<Row>[], rows: readonly Row[], columns: number | null, paint: Paint): string[] {
  const all = table.map((column) => {
    const cells = rows.map((row) => printable(column.cell(row)));
    return { column, cells, width: cells.reduce((widest, cell) => Math.max(widest, cell.length), column.title.length) };
  });
  const shown = fit(all.filter(({ cells }) => cells.some((cell) => cell !== '')), columns);
  const line = (cellOf: (index: number) => string, styleOf: (column: Column<Row>) => Style | null): string =>
    shown
      .map(({ column, width }, index) => {
        const cell = cut(cellOf(index), width);
        const isLast = index === shown.length - 1 && column.align !== 'right';
        const padding = ' '.repeat(isLast ? 0 : width - cell.length);
        const style = styleOf(column);
        const painted = style === null || cell === '' ? cell : paint(style, cell);
        return column.align === 'right' ? `${padding}${painted}` : `${painted}${padding}`;
      })
      .join(gap)
      .trimEnd();
  const head = line((index) => shown[index]?.column.title ?? '', () => 'dim');
  const body = rows.map((row, at) => line((index) => shown[index]?.cells[at] ?? '', (column) => column.style?.(row) ?? null));
  return [head, ...body];
}

interface Laid<Row> {
  readonly column: Column<Row>;
  readonly cells: readonly string[];
  readonly width: number;
}

function fit<Row>(laid: readonly Laid<Row>[], columns: number | null): readonly Laid<Row>[] {
  if (columns === null) return laid;
  let shown = laid;
  while (leastWidth(shown) > columns) {
    const weakest = shown.reduce<Laid<Row> | null>((found, each) => (rank(each) < (found === null ? Infinity : rank(found)) ? each : found), null);
    if (weakest === null) break;
    shown = shown.filter((each) => each !== weakest);
  }
  let spare = columns - leastWidth(shown);
  return shown.map((each) => {
    if (each.column.narrow !== 'cut') return each;
    const width = Math.min(each.width, Math.max(0, spare) + Math.min(each.width, narrowestCut));
    spare -= width - Math.min(each.width, narrowestCut);
    return { ...each, width };
  });
}

function rank<Row>({ column }: Laid<Row>): number {
  return typeof column.narrow === 'number' ? column.narrow : Infinity;
}

function leastWidth<Row>(shown: readonly Laid<Row>[]): number {
  const widths = shown.map(({ column, width }) => (column.narrow === 'cut' ? Math.min(width, narrowestCut) : width));
  return widths.reduce((sum, width) => sum + width, gap.length * Math.max(0, shown.length - 1));
}

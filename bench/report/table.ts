import type { Sizes } from '../sizes.js';
import type { Report } from './report.js';
import { describeGoal, judge, tables, works, type Column, type Values, type Work, type WorkName } from './works.js';

/** The tables as Markdown, columns aligned. In parentheses: Hive's value divided by this one. */
export function printTables(report: Report, sizes: Sizes): string {
  return tables.map((table) => printTable(table, report, sizes)).filter((text) => text !== '').join('\n\n');
}

/** Nothing when none of its rows was measured. */
function printTable({ title, columns, works: names }: (typeof tables)[number], report: Report, sizes: Sizes): string {
  const rows = [[title, 'unit', ...columns, 'goal', '']];
  for (const name of names) {
    const work: Work = works[name];
    const values: Values = report.values.get(name) ?? {};
    if (Object.keys(values).length === 0) continue;
    rows.push([
      nameSizes(work.title, sizes),
      work.unit,
      ...columns.map((column) => cell(work, values, column)),
      work.goal === null ? '' : describeGoal(work.goal).replace('direct', work.direct ?? 'direct'),
      work.goal === null ? '' : judge(work.goal, values),
    ]);
  }
  if (rows.length === 1) return '';
  const widths = rows[0]?.map((_, column) => Math.max(...rows.map((row) => width(row[column] ?? '')))) ?? [];
  const lines = rows.map((row) => `| ${row.map((text, column) => text + ' '.repeat((widths[column] ?? 0) - width(text))).join(' | ')} |`);
  lines.splice(1, 0, `|${widths.map((each) => '-'.repeat(each + 2)).join('|')}|`);
  return lines.join('\n');
}

export function toJson(report: Report, sizes: Sizes, facts: Record<string, unknown>): object {
  const rows = (Object.entries(works) as [WorkName, Work][]).flatMap(([id, work]) => {
    const values: Values | undefined = report.values.get(id);
    if (values === undefined) return [];
    return [{
      id, title: nameSizes(work.title, sizes), unit: work.unit, direct: work.direct, values,
      goal: work.goal === null ? undefined : describeGoal(work.goal), verdict: work.goal === null ? undefined : judge(work.goal, values),
    }];
  });
  return { ...facts, sizes, rows, notes: report.notes, failures: report.failures };
}

export function nameSizes(title: string, sizes: Sizes): string {
  return title
    .replace('{many}', sizes.many.toLocaleString('en'))
    .replace('{more}', sizes.more.toLocaleString('en'))
    .replace('{lines}', sizes.lines.toLocaleString('en'));
}

function cell(work: Work, values: Values, column: Column): string {
  const value = values[column];
  if (value === undefined) return '–';
  const shown = value.toLocaleString('en', { minimumFractionDigits: work.digits, maximumFractionDigits: work.digits });
  const label = column === 'direct' && work.direct !== undefined ? `${work.direct} ` : '';
  if (column === 'hive' || values.hive === undefined || value === 0) return label + shown;
  const ratio = values.hive / value;
  return `${label}${shown} (${ratio >= 10 ? ratio.toFixed(0) : ratio.toFixed(2)}×)`;
}

function width(text: string): number {
  return [...text].length;
}

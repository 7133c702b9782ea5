import type { Paint } from '../terminal.js';
import { cut, printable } from './text.js';

export interface ShownProblem {
  readonly file: string;
  readonly line: number;
  readonly column: number;
  readonly message: string;
  readonly offendingLine?: string | undefined;
  readonly expected?: string | undefined;
  readonly suggestion?: string | undefined;
}

/** Each problem as a compiler would show it: place, sentence, the line with a mark below, what was expected. */
export function renderProblems(problems: readonly ShownProblem[], paint: Paint): string[] {
  return problems.flatMap((problem) => renderProblem(problem, paint));
}

function renderProblem(problem: ShownProblem, paint: Paint): string[] {
  const place = problem.line > 0 ? `${problem.file}:${problem.line}:${problem.column}` : problem.file;
  const lines = [`${paint('bold', printable(place))}  ${printable(problem.message)}`];
  if (problem.offendingLine !== undefined) {
    const number = String(problem.line).padStart(5);
    lines.push(paint('dim', `${number} | `) + cut(printable(problem.offendingLine), 160));
    if (problem.column > 0 && problem.column <= 160) lines.push(`${' '.repeat(number.length)} ${paint('dim', '|')} ${' '.repeat(problem.column - 1)}${paint('red', '^')}`);
  }
  if (problem.suggestion !== undefined) lines.push(`      Did you mean ${printable(problem.suggestion)}?`);
  else if (problem.expected !== undefined) lines.push(`      Expected: ${printable(problem.expected).replace(/\.$/, '')}.`);
  return lines;
}

/** Tells whether an error's data carries problems to show. */
export function problemsOf(data: Record<string, unknown>): ShownProblem[] {
  const { problems } = data;
  return Array.isArray(problems) ? problems.filter(isProblem) : [];
}

function isProblem(value: unknown): value is ShownProblem {
  const each = value as Partial<ShownProblem> | null;
  return typeof each === 'object' && each !== null && typeof each.file === 'string' && typeof each.message === 'string';
}

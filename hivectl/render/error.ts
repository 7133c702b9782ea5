import type { HiveError } from '../../shared/errors/hive-error.js';
import type { Paint } from '../terminal.js';
import { problemsOf, renderProblems } from './problems.js';
import { printable } from './text.js';

/** What happened, what to do next, and the code; before it the problems, when a configuration was refused. */
export function renderError(error: HiveError, paint: Paint): string[] {
  const problems = renderProblems(problemsOf(error.data), paint);
  const next = error.next === undefined ? '' : ` ${printable(error.next)}`;
  return [...problems, `${paint('red', printable(error.message))}${next} ${paint('dim', `[${error.code}]`)}`];
}

/** The same for programs. */
export function errorAsJson(error: HiveError): string {
  const { code, ...data } = error.data;
  return JSON.stringify({ error: { code, message: error.message, data } });
}

import type { HiveError } from '../../shared/errors/hive-error.js';
import type { Paint } from '../terminal.js';
import { problemsOf, renderProblems } from './problems.js';
import { printable } from './text.js';

/** What happened, what to do next, and the code; before it the problems, when a configuration was refused. */
export function renderError(error: HiveError, paint: Paint): string[] {
  const listed = problemsOf(error.data);
  const problems = renderProblems(listed, paint);
  const next = error.next === undefined ? '' : ` ${printable(error.next)}`;
  return [...problems, `${paint('red', printable(withoutList(error.message, listed[0]?.file)))}${next} ${paint('dim', `[${error.code}]`)}`];
}

/** A message that goes on to list the problems is cut there when they stand above it. */
function withoutList(message: string, firstFile: string | undefined): string {
  const at = firstFile === undefined ? -1 : message.indexOf(`: ${firstFile}:`);
  return at === -1 ? message : `${message.slice(0, at)}.`;
}

/** The same for programs. */
export function errorAsJson(error: HiveError): string {
  const { code, ...data } = error.data;
  return JSON.stringify({ error: { code, message: error.message, data } });
}

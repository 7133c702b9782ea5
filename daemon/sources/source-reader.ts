import type { Problem } from '../../shared/config/problem.js';
import type { SourceSpec } from '../../shared/config/service-spec.js';
import type { SourceFile } from './detect-source.js';

/**
 * One reading of a source. `content` says in full what was read: equal contents are equal readings, and `recall` makes
 * the same spec of it again; it is what state.db keeps as the last good one.
 */
export type Reading =
  | GoodReading
  | { readonly ok: false; readonly problems: readonly Problem[] };

export interface GoodReading {
  readonly ok: true;
  readonly spec: SourceSpec;
  readonly content: string;
  /** The source's own number of this content; null: Hive counts. */
  readonly revision: number | null;
}

/** How a source of one kind is read. Bad content is an answer, not an exception. */
export interface SourceReader {
  readonly file: SourceFile;
  /** Reads what is there now. */
  read(): Promise<Reading>;
  /** Reads what was there when `content` was read. */
  recall(content: string): Promise<Reading>;
  /** Files whose change is a reason to read again. */
  watchedFiles(): readonly string[];
  /** Tells, cheaply and without reading, whether somebody else changed the source where no file event would say so. */
  changedElsewhere(): boolean;
  /** Tells whether `content` is the beginning of what is live and no more, as while a slow program writes the file anew. */
  looksCutOff(content: string, live: string): boolean;
  /** A service's configuration as written in `content`, and its revision where services have their own; null: no such service. */
  configOf(content: string, service: string): { readonly config: unknown; readonly revision: number | null } | null;
  /** The text that `content` is of; null: it is of no text. */
  textOf(content: string): string | null;
  /** A problem that is found only after the reading, placed where `content` says what is at `path`. */
  problemAt(content: string, path: readonly (string | number)[], message: string): Problem;
  close(): void;
}

/** A problem with the file as a whole. */
export function fileProblem(file: string, message: string, expected?: string): Problem {
  return { file, line: 1, column: 1, message, path: '', code: 'INVALID_VALUE', ...(expected === undefined ? {} : { expected }) };
}

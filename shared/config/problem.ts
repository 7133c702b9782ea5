/** One mistake in a configuration, where it is and what would be right. Travels as it is in `INVALID_CONFIG`'s data. */
export interface Problem {
  /** The path of the file, or `<source>:<name>` for a service that was not read from a file. */
  readonly file: string;
  /** Both count from 1. */
  readonly line: number;
  readonly column: number;
  /** A sentence. Never holds a value that came from the environment. */
  readonly message: string;
  /** Where in the document, such as `services.web.restart.delay`; empty for the document itself. */
  readonly path: string;
  readonly code: ProblemCode;
  /** What would have been right, such as `a duration such as 30s`. */
  readonly expected?: string;
  /** The line as written, with what looks like a secret left out. */
  readonly offendingLine?: string;
  /** The nearest right key, name or value. */
  readonly suggestion?: string;
}

export type ProblemCode = 'SYNTAX' | 'UNKNOWN_KEY' | 'INVALID_VALUE' | 'UNKNOWN_NAME' | 'CONFLICT' | 'DEPENDENCY_CYCLE' | 'NOT_SUPPORTED';

/** What every loading function answers: it never throws for bad content. `problems` is never empty. */
export type LoadResult<Spec> = { readonly ok: true; readonly spec: Spec } | { readonly ok: false; readonly problems: readonly Problem[] };

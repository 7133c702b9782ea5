import { errorCatalogue, type ErrorCode } from './catalogue.js';

/**
 * The one error type of Hive. `message` is a sentence that says what happened and to what; `next` says what to do about
 * it and is part of what people are shown; `data` holds facts for programs and is merged into JSON-RPC's `error.data`.
 */
export class HiveError extends Error {
  override readonly name = 'HiveError';

  constructor(
    readonly code: ErrorCode,
    message: string,
    readonly options: { next?: string; data?: Record<string, unknown>; cause?: unknown } = {},
  ) {
    super(message, { cause: options.cause });
  }

  get number(): number {
    return errorCatalogue[this.code].number;
  }

  get next(): string | undefined {
    return this.options.next;
  }

  /** The object that travels in JSON-RPC's `error.data`. */
  get data(): { code: ErrorCode; next?: string } & Record<string, unknown> {
    return { ...this.options.data, code: this.code, ...(this.next === undefined ? {} : { next: this.next }) };
  }
}

export function isErrorCode(value: unknown): value is ErrorCode {
  return typeof value === 'string' && Object.hasOwn(errorCatalogue, value);
}

/** Rebuilds the error that the other side of a connection sent. */
export function hiveErrorFromWire(message: string, data: unknown): HiveError {
  const facts = typeof data === 'object' && data !== null ? (data as Record<string, unknown>) : {};
  const { code, next, ...rest } = facts;
  return new HiveError(isErrorCode(code) ? code : 'INTERNAL', message, {
    ...(typeof next === 'string' ? { next } : {}),
    data: rest,
  });
}

/** Turns anything thrown into a HiveError; what is not one already is a defect and becomes INTERNAL. */
export function toHiveError(thrown: unknown): HiveError {
  if (thrown instanceof HiveError) return thrown;
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  return new HiveError('INTERNAL', message, { cause: thrown });
}

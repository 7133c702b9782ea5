import { isFieldValue, isToken } from './characters.js';
import { Malformed } from './malformed.js';

const mostFields = 128;
const [tab, lineFeed, carriageReturn, space, colon, underscore] = [9, 10, 13, 32, 58, 95];

/**
 * Walks through the header lines of a message, checks every character, and collects the lines that are passed on, as
 * they were written. A line that is folded, ends in anything but CRLF or has a space before its colon is refused.
 *
 * `text` ends with the CRLF of the last line; each character is one byte.
 */
export class FieldLines {
  /** In lower case, with `-` for `_`: to programs that see headers as environment variables the two are the same. */
  name = '';
  hasUnderscore = false;
  #start: number;
  #end: number;
  #valueStart = 0;
  #valueEnd = 0;
  #kept = '';
  #keptUpTo: number;
  #count = 0;

  constructor(private readonly text: string, start: number) {
    this.#start = start;
    this.#end = start;
    this.#keptUpTo = start;
  }

  /** Goes to the next line. @throws Malformed */
  next(): boolean {
    const { text } = this;
    if (this.#end >= text.length) return false;
    if (++this.#count > mostFields) throw new Malformed(431, `It has more than ${mostFields} headers.`);
    const start = (this.#start = this.#end);
    let at = start;
    let hasUnderscore = false;
    let code = text.charCodeAt(at);
    for (; isToken[code] === 1; code = text.charCodeAt(++at)) if (code === underscore) hasUnderscore = true;
    if (code !== colon || at === start) throw new Malformed(400, nameProblem(code, at === start));
    const name = text.slice(start, at).toLowerCase();
    this.name = hasUnderscore ? name.replaceAll('_', '-') : name;
    this.hasUnderscore = hasUnderscore;
    at++;
    while (text.charCodeAt(at) === space || text.charCodeAt(at) === tab) at++;
    this.#valueStart = at;
    while (isFieldValue[text.charCodeAt(at)] === 1) at++;
    if (text.charCodeAt(at) !== carriageReturn || text.charCodeAt(at + 1) !== lineFeed) {
      throw new Malformed(400, 'A header has a control character in its value, or ends in a bare CR or LF.');
    }
    this.#end = at + 2;
    while (at > this.#valueStart && (text.charCodeAt(at - 1) === space || text.charCodeAt(at - 1) === tab)) at--;
    this.#valueEnd = at;
    return true;
  }

  /** Without the white space around it. */
  get value(): string {
    return this.text.slice(this.#valueStart, this.#valueEnd);
  }

  /** Takes the present line out of what is passed on. */
  drop(): void {
    this.#kept += this.text.slice(this.#keptUpTo, this.#start);
    this.#keptUpTo = this.#end;
  }

  /** The lines that were not dropped, each with its CRLF. */
  get kept(): string {
    return this.#keptUpTo === this.text.length ? this.#kept : this.#kept + this.text.slice(this.#keptUpTo);
  }
}

function nameProblem(code: number, isEmpty: boolean): string {
  if (isEmpty && (code === space || code === tab)) return 'A header is folded over two lines.';
  if (isEmpty && code === colon) return 'A header has no name.';
  if (code === space || code === tab) return 'A header has white space before its colon.';
  if (code === carriageReturn || code === lineFeed) return 'A header line has no colon, or a bare CR or LF.';
  return 'The name of a header has a character that is not allowed in it.';
}

/** `lines` without those whose name (lower case) is in `names`. For the rare request that asks for it. */
export function withoutFields(lines: string, names: ReadonlySet<string>): string {
  const fields = new FieldLines(lines, 0);
  while (fields.next()) if (names.has(fields.name)) fields.drop();
  return fields.kept;
}

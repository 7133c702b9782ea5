import { HiveError } from '../errors/hive-error.js';

/**
 * Reads the text of a .env file: `KEY=value` lines with an optional `export`, `#` comments, and values that are bare (up
 * to ` #`), 'literal', "with \n, \t, \" and \\" or over several lines within quotes. Nothing is substituted. Throws
 * INVALID_CONFIG naming `file` and the line (never the value) for a line that is none of these.
 */
export function parseDotenv(text: string, file: string): Record<string, string> {
  const variables: Record<string, string> = {};
  const source = text.replace(/^\uFEFF/, '').replace(/\r\n?/g, '\n');
  let at = 0;
  while (at < source.length) {
    const lineEnd = endOfLine(source, at);
    const line = source.slice(at, lineEnd);
    if (/^\s*(#|$)/.test(line)) {
      at = lineEnd + 1;
      continue;
    }
    const start = /^\s*(?:export\s+)?([A-Za-z_][A-Za-z0-9_.-]*)[ \t]*=[ \t]*/.exec(line);
    if (start?.[1] === undefined) throw refused(file, source, at, 'is not KEY=value');
    const { value, end } = readValue(source, at + start[0].length, lineEnd, file);
    if (value.includes('\0')) throw refused(file, source, at, 'has a NUL character');
    Object.defineProperty(variables, start[1], { value, enumerable: true, writable: true, configurable: true });
    at = end + 1;
  }
  return variables;
}

function readValue(source: string, from: number, lineEnd: number, file: string): { value: string; end: number } {
  const quote = source[from];
  if (quote !== '"' && quote !== "'") {
    const bare = source.slice(from, lineEnd);
    return { value: bare.replace(/(^|\s)#.*$/, '').trim(), end: lineEnd };
  }
  const close = closingQuote(source, from, quote);
  if (close === -1) throw refused(file, source, from, `opens a quote (${quote}) that is never closed`);
  const end = endOfLine(source, close);
  if (!/^\s*(#.*)?$/.test(source.slice(close + 1, end))) throw refused(file, source, close, 'goes on after the closing quote');
  const inner = source.slice(from + 1, close);
  return { value: quote === "'" ? inner : inner.replace(/\\([nrt"\\$])/g, (_, escaped: string) => escapes[escaped] ?? escaped), end };
}

const escapes: Record<string, string> = { n: '\n', r: '\r', t: '\t' };

function closingQuote(source: string, open: number, quote: string): number {
  for (let at = open + 1; at < source.length; at += 1) {
    if (quote === '"' && source[at] === '\\') at += 1;
    else if (source[at] === quote) return at;
  }
  return -1;
}

function endOfLine(source: string, from: number): number {
  const at = source.indexOf('\n', from);
  return at === -1 ? source.length : at;
}

function refused(file: string, source: string, at: number, why: string): HiveError {
  const line = source.slice(0, at).split('\n').length;
  return new HiveError('INVALID_CONFIG', `Line ${line} of ${file} ${why}.`, { next: 'Write KEY=value, or KEY="value" for a value with quotes or line ends.', data: { file, line } });
}

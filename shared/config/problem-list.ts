import type { ConfigPath, Span } from './config-node.js';
import type { Problem, ProblemCode } from './problem.js';

/** A problem as a check reports it; the list knows how to turn a span into file, line, column and the line itself. */
export interface Finding {
  readonly span: Span;
  readonly path: ConfigPath;
  readonly code: ProblemCode;
  readonly message: string;
  readonly expected?: string;
  readonly suggestion?: string;
}

/** Where a document came from: a file's text, or values without one (then everything is at 1:1 of a named document). */
export type Origin =
  | { readonly kind: 'text'; readonly file: string; readonly text: string }
  | { readonly kind: 'values'; readonly source: string };

const mostProblems = 200;
const longestLine = 200;

/** Collects problems in the order of the file, each place and message once, up to 200. */
export class ProblemList {
  private readonly found = new Map<string, { offset: number; problem: Problem }>();
  private lineStarts: number[] | null = null;

  constructor(private readonly origin: Origin) {}

  get isEmpty(): boolean {
    return this.found.size === 0;
  }

  add(finding: Finding): void {
    if (this.found.size >= mostProblems) return;
    const { span, path, code, message } = finding;
    const problem: Problem = {
      ...this.place(span, path),
      message,
      path: formatPath(path),
      code,
      ...(finding.expected === undefined ? {} : { expected: finding.expected }),
      ...this.lineOf(span, path),
      ...(finding.suggestion === undefined ? {} : { suggestion: finding.suggestion }),
    };
    // What an alias or a default brings in twice was written once: one place, one problem.
    const key = this.origin.kind === 'text' ? `${span.start}:${message.replace(/ of service [^ ]+/, '')}` : `${problem.path}:${message}`;
    if (!this.found.has(key)) this.found.set(key, { offset: span.start, problem });
  }

  inOrder(): Problem[] {
    return [...this.found.values()].sort((a, b) => a.offset - b.offset).map(({ problem }) => problem);
  }

  private place(span: Span, path: ConfigPath): { file: string; line: number; column: number } {
    if (this.origin.kind === 'values') {
      const name = path[0] === 'services' && path.length > 1 ? `:${path[1]}` : '';
      return { file: `${this.origin.source}${name}`, line: 1, column: 1 };
    }
    const line = this.lineIndex(span.start);
    return { file: this.origin.file, line: line + 1, column: span.start - (this.starts()[line] ?? 0) + 1 };
  }

  private lineOf(span: Span, path: ConfigPath): { offendingLine?: string } {
    if (this.origin.kind === 'values') return {};
    const index = this.lineIndex(span.start);
    const starts = this.starts();
    const from = starts[index] ?? 0;
    const line = this.origin.text.slice(from, Math.min(starts[index + 1] ?? Infinity, from + 2 * longestLine)).replace(/\r?\n$/, '');
    const column = span.start - from;
    return { offendingLine: cut(isPrivate(path) ? withoutValuesFrom(line, column) : withoutSecrets(line)) };
  }

  private starts(): number[] {
    if (this.lineStarts !== null) return this.lineStarts;
    const starts = [0];
    if (this.origin.kind === 'text') {
      const { text } = this.origin;
      for (let at = text.indexOf('\n'); at !== -1; at = text.indexOf('\n', at + 1)) starts.push(at + 1);
    }
    this.lineStarts = starts;
    return starts;
  }

  private lineIndex(offset: number): number {
    const starts = this.starts();
    let low = 0;
    let high = starts.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if ((starts[middle] ?? 0) <= offset) low = middle;
      else high = middle - 1;
    }
    return low;
  }
}

/** `services.web.proxy[1].path`. */
export function formatPath(path: ConfigPath): string {
  return path.reduce<string>((text, step) => {
    if (typeof step === 'number') return `${text}[${step}]`;
    return text === '' ? step : `${text}.${step}`;
  }, '');
}

const secretKey =
  /((?:^|[\s{,"'])[\w.-]*(?:secret|passw|token|credential|private|api_?key|access_?key)[\w.-]*["']?\s*[:=]\s*)("(?:[^"\\]|\\.)*"?|'[^']*'?|\$\{env\.\w+\}|[^\s,}][^,}]*)/gi;
const urlPassword = /(:\/\/[^\s:/@]*:)[^\s@/]+(?=@)/g;

/** Leaves out what stands after a key that sounds like a secret, and passwords in URLs; references to the environment stay. */
export function withoutSecrets(line: string): string {
  return line
    .replace(secretKey, (whole: string, key: string, value: string) => (/^["']?\$\{env\.\w+\}["']?$/.test(value) ? whole : `${key}…`))
    .replace(urlPassword, '$1…');
}

/** Variables may hold anything, whatever they are called. */
function isPrivate(path: ConfigPath): boolean {
  return path.slice(0, -1).some((step) => step === 'static' || step === 'vars') || path.at(-1) === 'secret';
}

function withoutValuesFrom(line: string, column: number): string {
  const colon = line.lastIndexOf(':', Math.max(0, column - 1));
  const from = colon !== -1 && line.slice(colon + 1, column).trim() === '' ? colon : line.indexOf(':', column);
  const rest = from === -1 ? '' : line.slice(from + 1);
  return from === -1 || /^\s*["']?\$\{env\.\w+\}["']?[\s},]*$/.test(rest) ? withoutSecrets(line) : `${withoutSecrets(line.slice(0, from + 1))} …`;
}

function cut(line: string): string {
  return line.length > longestLine ? `${line.slice(0, longestLine)}…` : line;
}

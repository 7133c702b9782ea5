import type { ConfigNode, ConfigPath, Span } from './config-node.js';
import type { Problem, ProblemCode } from './problem.js';
import { secretFrom, secretSpans, withoutSecrets } from './secret-lines.js';

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
  private document: ConfigNode | null = null;

  constructor(private readonly origin: Origin) {}

  get isEmpty(): boolean {
    return this.found.size === 0;
  }

  add(finding: Finding): void {
    if (this.found.size >= mostProblems) return;
    const { span, path, code } = finding;
    const message = finding.message.replace(/\p{C}/gu, (character) => `\\u${(character.codePointAt(0) ?? 0).toString(16).padStart(4, '0')}`);
    const problem: Problem = {
      ...this.place(span, path),
      message,
      path: formatPath(path),
      code,
      ...(finding.expected === undefined ? {} : { expected: finding.expected }),
      ...(finding.suggestion === undefined ? {} : { suggestion: finding.suggestion }),
    };
    // What an alias or a default brings in twice was written once: one place, one problem.
    const key = this.origin.kind === 'text' ? `${span.start}:${message.replace(/ of service [^ ]+/, '')}` : `${problem.path}:${message}`;
    if (!this.found.has(key)) this.found.set(key, { offset: span.start, problem });
  }

  inOrder(): Problem[] {
    const secrets = this.document === null ? null : secretSpans(this.document);
    return [...this.found.values()]
      .sort((a, b) => a.offset - b.offset)
      .map(({ offset, problem }) => (this.origin.kind === 'text' ? { ...problem, offendingLine: this.lineAt(offset, this.origin.text, secrets) } : problem));
  }

  /** Once it is known what the document says, its secret values are left out of the lines that are shown. */
  hideSecretsOf(document: ConfigNode): void {
    this.document = document;
  }

  private place(span: Span, path: ConfigPath): { file: string; line: number; column: number } {
    if (this.origin.kind === 'values') {
      const name = path[0] === 'services' && path.length > 1 ? `:${path[1]}` : '';
      return { file: `${this.origin.source}${name}`, line: 1, column: 1 };
    }
    const line = this.lineIndex(span.start);
    return { file: this.origin.file, line: line + 1, column: span.start - (this.starts()[line] ?? 0) + 1 };
  }

  /** `secrets`: where the document has them; null: nobody could parse it. */
  private lineAt(offset: number, text: string, secrets: readonly Span[] | null): string {
    const index = this.lineIndex(offset);
    const from = this.starts()[index] ?? 0;
    const to = Math.min(this.starts()[index + 1] ?? Infinity, from + 2 * longestLine);
    return presentable(secrets === null ? this.unparsedLine(index, text) : withoutSpans(text, { start: from, end: to }, secrets));
  }

  private unparsedLine(index: number, text: string): string {
    const lineAt = (wanted: number): string => text.slice(this.starts()[wanted] ?? 0, Math.min(this.starts()[wanted + 1] ?? Infinity, (this.starts()[wanted] ?? 0) + 2 * longestLine));
    const line = lineAt(index);
    const secret = secretFrom(index, lineAt);
    return secret === null ? line : `${line.slice(0, secret)} …`;
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

function withoutSpans(text: string, shown: Span, secrets: readonly Span[]): string {
  let line = '';
  let at = shown.start;
  for (const secret of secrets) {
    if (secret.end <= at || secret.start >= shown.end) continue;
    line += `${text.slice(at, Math.max(at, secret.start))}…`;
    at = Math.min(shown.end, secret.end);
  }
  return line + text.slice(at, shown.end);
}

/** A control character could move the cursor of the terminal that this is shown on. */
function presentable(line: string): string {
  return cut(withoutSecrets(line.replace(/\r?\n$/, '').replace(/[^\P{C}\t]/gu, '\uFFFD')));
}

function cut(line: string): string {
  return line.length > longestLine ? `${line.slice(0, longestLine)}…` : line;
}

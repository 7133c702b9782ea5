/** From the least to the most serious. */
export const levels = ['trace', 'debug', 'info', 'warn', 'error', 'fatal'] as const;
export type LogLevel = (typeof levels)[number];

/** What a line is taken for when it does not say: on stderr, too, since many programs write all their logs there. */
export const defaultLevel: LogLevel = 'info';

export function isAtLeast(level: LogLevel, floor: LogLevel): boolean {
  return levels.indexOf(level) >= levels.indexOf(floor);
}

const words: Readonly<Record<string, LogLevel>> = {
  trace: 'trace', verbose: 'trace', trc: 'trace', finest: 'trace',
  debug: 'debug', dbg: 'debug', debg: 'debug', fine: 'debug',
  info: 'info', inf: 'info', information: 'info', notice: 'info', log: 'info',
  warn: 'warn', warning: 'warn', wrn: 'warn',
  error: 'error', err: 'error', eror: 'error', severe: 'error',
  fatal: 'fatal', critical: 'fatal', crit: 'fatal', alert: 'fatal', emerg: 'fatal', emergency: 'fatal', panic: 'fatal', ftl: 'fatal',
};

/** A level as structured logs carry it: a word, a pino or bunyan number (10 to 60), or a syslog severity (0 to 7). */
export function levelOfValue(value: unknown): LogLevel | null {
  if (typeof value === 'string') return words[value.toLowerCase()] ?? (/^\d+$/.test(value) ? levelOfNumber(Number(value)) : null);
  return typeof value === 'number' ? levelOfNumber(value) : null;
}

function levelOfNumber(number: number): LogLevel | null {
  if (!Number.isFinite(number) || number < 0) return null;
  if (number <= 2) return 'fatal';
  if (number === 3) return 'error';
  if (number === 4) return 'warn';
  if (number <= 6) return 'info';
  if (number === 7) return 'debug';
  return levels[Math.min(5, Math.max(0, Math.floor(number / 10) - 1))] ?? null;
}

const wordList = Object.keys(words).filter((word) => word !== 'log' && word !== 'fine' && word !== 'finest');
const anyCase = wordList.join('|');
const upperCase = wordList.map((word) => word.toUpperCase()).join('|');
const time = String.raw`(?:\[?\d{2,4}[-/.]\d\d[-/.]\d\d[T ]?[\d:.,]*(?:Z|[+-]\d\d:?\d\d)?\]?|\[?\d\d:\d\d:\d\d[\d.,]*\]?)`;

/** Terminal colours, which stand between a line's start and its level. */
// eslint-disable-next-line no-control-regex -- an escape sequence starts with a control character
const colours = /\u001b\[[\d;]*m/g;
const logfmt = /(?:^|\s)(?:level|lvl|severity|loglevel)="?([A-Za-z]+|\d+)/;
const bracketed = new RegExp(String.raw`^[^[(<]{0,60}(?:\[[^\]]{0,40}\][^[(<]{0,20})?[[(<]\s*(${anyCase})\s*[\])>]`, 'i');
const leadingUpper = new RegExp(String.raw`^\s*(?:${time}[\s|,;:-]*)?(?:[\w./@-]+\s*[-|:]\s*)?(${upperCase})(?![\w-])`);
const leadingColon = new RegExp(String.raw`^(?:${time}[\s|,;:-]*)?(${anyCase})\s*[:|]`, 'i');
const klog = /^([IWEF])\d{4} \d\d:\d\d:\d\d/;
const thrown = /^(?:Uncaught\s+)?[\w.$]*(?:Error|Exception)(?::|\s*\[|$)|^Traceback \(most recent call last\)/;

const klogLevels: Readonly<Record<string, LogLevel>> = { I: 'info', W: 'warn', E: 'error', F: 'fatal' };

/** How much of a line is looked at for its level. */
const headLength = 160;

/** The level that an unstructured line states of itself; null when it states none. */
export function levelOfText(text: string): LogLevel | null {
  const raw = text.slice(0, headLength);
  const head = raw.includes('\u001b') ? raw.replace(colours, '') : raw;
  const found = logfmt.exec(head)?.[1] ?? bracketed.exec(head)?.[1] ?? leadingUpper.exec(head)?.[1] ?? leadingColon.exec(head)?.[1];
  if (found !== undefined) return levelOfValue(found);
  const letter = klog.exec(head)?.[1];
  if (letter !== undefined) return klogLevels[letter] ?? null;
  return thrown.test(head) ? 'error' : null;
}

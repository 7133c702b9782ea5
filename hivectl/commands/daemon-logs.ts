import type { Context } from '../context.js';
import { humanTime } from '../render/measures.js';
import { printable } from '../render/text.js';
import { tailFiles } from '../tail-files.js';
import type { Paint, Style } from '../terminal.js';

/** `hivectl daemon logs`: works without a daemon too, for then it is needed most. */
export async function daemonLogs(context: Context, args: { follow: boolean; tail: number }): Promise<void> {
  const now = new Date();
  await tailFiles(context, [context.home.daemonLog], { ...args, render: (line) => renderDaemonLogLine(line, now, context.terminal.paint) });
}

/** A line of hived.log, which is JSON, as a person reads it; what is no JSON is shown as it is. */
export function renderDaemonLogLine(line: string, now: Date, paint: Paint): string {
  const entry = readEntry(line);
  if (entry === null) return printable(line);
  const { time, level, msg, err, ...rest } = entry;
  const [word, style] = levelWord(Number(level));
  const facts = Object.entries(rest).filter(([name]) => name !== 'pid' && name !== 'v').map(([name, value]) => `${name}=${JSON.stringify(value)}`);
  const cause = typeof err === 'object' && err !== null && 'message' in err ? [`(${String(err.message)})`] : [];
  const parts = [paint('dim', humanTime(String(time), now)), paint(style, word.padEnd(5)), printable(typeof msg === 'string' ? msg : ''), ...cause, paint('dim', facts.join(' '))];
  return parts.filter((part) => part !== '').join(' ').trimEnd();
}

function readEntry(line: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === 'object' && value !== null && 'time' in value ? { ...value } : null;
  } catch {
    return null;
  }
}

function levelWord(level: number): [string, Style] {
  if (level >= 60) return ['FATAL', 'red'];
  if (level >= 50) return ['ERROR', 'red'];
  if (level >= 40) return ['WARN', 'yellow'];
  return level >= 30 ? ['INFO', 'green'] : ['DEBUG', 'dim'];
}

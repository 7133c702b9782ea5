import type { LogLine } from '../../shared/protocol/results.js';
import type { Paint, Style } from '../terminal.js';
import { humanTime } from './measures.js';

/** How lines are shown; `names`: which prefix tells whose line it is. */
export interface LogView {
  readonly names: 'none' | 'service' | 'instance';
  readonly timestamps: boolean;
  readonly now: Date;
  readonly paint: Paint;
}

const nameStyles: readonly Style[] = ['cyan', 'magenta', 'blue', 'yellow', 'green'];

/** A line as its service wrote it, with the prefixes that were asked for; what a hook wrote says so. Its own colours are left in. */
export function renderLogLine(line: LogLine, view: LogView): string {
  const parts: string[] = [];
  if (view.timestamps) parts.push(view.paint('dim', humanTime(line.time, view.now)));
  const name = view.names === 'service' ? line.fqn : line.instance;
  if (view.names !== 'none') parts.push(view.paint(styleOf(line.fqn), `${name} |`));
  if (line.stream === 'hook') parts.push(view.paint('dim', 'hook |'));
  const style = levelStyle(line.level);
  parts.push(style === null ? line.message : view.paint(style, line.message));
  return parts.join(' ');
}

function levelStyle(level: string): Style | null {
  if (level === 'error' || level === 'fatal') return 'red';
  return level === 'warn' ? 'yellow' : null;
}

/** The same name always has the same colour. */
function styleOf(name: string): Style {
  let sum = 0;
  for (const character of name) sum = (sum * 31 + (character.codePointAt(0) ?? 0)) % 65_521;
  return nameStyles[sum % nameStyles.length] ?? 'cyan';
}

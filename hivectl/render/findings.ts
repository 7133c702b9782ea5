import type { Finding } from '../doctor/finding.js';
import type { Paint, Style } from '../terminal.js';
import { printable } from './text.js';

/** One line a finding; what is wrong has a second one with what mends it. */
export function renderFindings(findings: readonly Finding[], paint: Paint): string[] {
  return findings.flatMap((finding) => {
    const [mark, style] = marks[finding.level];
    const line = `${paint(style, mark)} ${printable(finding.what)}`;
    return finding.level === 'fine' ? [line] : [line, `    ${paint('dim', '→')} ${printable(finding.mend)}`];
  });
}

const marks: Record<Finding['level'], [string, Style]> = {
  fine: ['✔', 'green'],
  note: ['·', 'dim'],
  warning: ['!', 'yellow'],
  error: ['✘', 'red'],
};

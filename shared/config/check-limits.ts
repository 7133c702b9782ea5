import type { LimitName, LimitSupport } from './limit-support.js';
import type { ProblemList } from './problem-list.js';
import { pathOf, spanOf, type ServiceDraft } from './service-draft.js';

const names: readonly LimitName[] = ['memory', 'cpu', 'open_files'];

/** A limit that nobody would enforce is a mistake, not something to find out when the machine has run out of memory. */
export function checkLimits(draft: ServiceDraft, support: LimitSupport, problems: ProblemList): void {
  const { runner, limits } = draft.config;
  if (runner === undefined || limits === undefined || draft.wrong.has('limits') || draft.wrong.has('runner')) return;
  for (const name of names) {
    const value = limits[name];
    const why = value === undefined ? null : support(runner.type, name, value);
    if (why === null) continue;
    problems.add({
      span: spanOf(draft, ['limits', name]),
      path: pathOf(draft, ['limits', name]),
      code: 'NOT_SUPPORTED',
      message: `limits.${name} of service ${draft.name} cannot be enforced here, because ${why}.`,
    });
  }
}

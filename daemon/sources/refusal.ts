import type { Problem } from '../../shared/config/problem.js';
import { HiveError } from '../../shared/errors/index.js';
import { describeConflict, type Conflict } from './conflicts.js';
import type { RegisteredSource } from './registered-source.js';

/** Why a reading does not go live. */
export type Refusal =
  | { readonly kind: 'invalid'; readonly problems: readonly Problem[] }
  | { readonly kind: 'conflict'; readonly problems: readonly Problem[]; readonly conflicts: readonly Conflict[] };

const shown = 5;

/** The refusal as the answer to somebody who asked for it. */
export function refusalError(source: string, refusal: Refusal): HiveError {
  const { problems } = refusal;
  switch (refusal.kind) {
    case 'invalid':
      return new HiveError('INVALID_CONFIG', `The configuration of source ${source} has ${problems.length === 1 ? 'a problem' : `${problems.length} problems`}: ${listed(problems)}`, {
        next: 'Mend what is listed and try again; what ran before goes on unchanged.',
        data: { source, problems },
      });
    case 'conflict': {
      const conflicts = refusal.conflicts.map(({ claim, holder }) => ({ kind: claim.kind, key: claim.key, wantedBy: claim.owner, heldBy: holder.owner }));
      const more = conflicts.length > shown ? ` And ${conflicts.length - shown} more.` : '';
      return new HiveError('CONFLICT', `${refusal.conflicts.slice(0, shown).map(describeConflict).join(' ')}${more}`, {
        next: `Change one of the two sides; until then source ${source} stays as it was.`,
        data: { source, conflicts, problems },
      });
    }
  }
}

export function conflictRefusal(source: RegisteredSource, content: string, conflicts: readonly Conflict[]): Refusal {
  const problems = conflicts.map((conflict) => source.reader.problemAt(content, conflict.claim.path, describeConflict(conflict)));
  return { kind: 'conflict', conflicts, problems };
}

function listed(problems: readonly Problem[]): string {
  const lines = problems.slice(0, shown).map(({ file, line, column, message }) => `${file}:${line}:${column}: ${message}`);
  return `${lines.join(' ')}${problems.length > shown ? ` And ${problems.length - shown} more.` : ''}`;
}

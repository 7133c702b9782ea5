import type { z } from 'zod';
import { toPlain, type ConfigNode, type ConfigPath } from './config-node.js';
import type { ProblemList } from './problem-list.js';
import { explain, noWording } from './problems-from-issues.js';

export interface Checked<Output> {
  /** Null when the schema refuses the value even after misspelt keys were put right. */
  readonly output: Output | null;
  /** The tree with misspelt keys put right. */
  readonly node: ConfigNode;
}

/** Three misspelt keys one inside the other are put right; deeper ones show after the next save. */
const mostRepairs = 4;

/** Checks the part of a document at `path` and reports everything that is wrong with it. */
export function checkAgainst<Schema extends z.ZodType>(schema: Schema, node: ConfigNode, path: ConfigPath, problems: ProblemList): Checked<z.output<Schema>> {
  let current = node;
  for (let round = 0; round <= mostRepairs; round += 1) {
    const result = schema.safeParse(toPlain(current, path.at(-1)), { error: () => noWording });
    if (result.success) return { output: result.data, node: current };
    const { findings, repaired } = explain(result.error.issues, { schema, node: current, path });
    for (const finding of findings) problems.add(finding);
    if (repaired === null) return { output: null, node: current };
    current = repaired;
  }
  return { output: null, node: current };
}

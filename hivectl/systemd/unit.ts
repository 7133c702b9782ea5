import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from '../../shared/package-root.js';

/** `system`: one for the machine, run by root. `user`: one of the user who installs it. */
export type Scope = 'system' | 'user';

/** What a unit depends on; all paths absolute. */
export interface UnitFacts {
  readonly scope: Scope;
  readonly home: string;
  readonly node: string;
  readonly hived: string;
  readonly hivectl: string;
  /** `PATH` of the daemon, which services inherit. */
  readonly path: string;
}

export const unitName = 'hive.service';

/** The unit file for these facts, made of systemd/hive.service.in. */
export function renderUnit({ scope, home, node, hived, hivectl, path }: UnitFacts): string {
  const values: Readonly<Record<string, string>> = {
    '@HIVE_HOME@': quoted(`HIVE_HOME=${home}`),
    '@PATH@': quoted(`PATH=${path}`),
    '@HIVED@': command(node, hived),
    '@HIVECTL@': command(node, hivectl),
    '@SCOPE@': `--${scope}`,
    '@TARGET@': scope === 'system' ? 'multi-user.target' : 'default.target',
  };
  const template = readFileSync(join(packageRoot(), 'systemd', 'hive.service.in'), 'utf8');
  return template.replace(/@[A-Z_]+@/g, (marker) => values[marker] ?? marker);
}

/** A word of a unit file as it is: systemd.syntax(7) quotes, and systemd.unit(5) takes `%` for a specifier. */
function quoted(text: string): string {
  return `"${text.replace(/[\\"]/g, '\\$&').replaceAll('%', '%%')}"`;
}

/** A command line as it is: systemd.service(5) also takes `$` for a variable. */
function command(...words: readonly string[]): string {
  return words.map((word) => quoted(word).replaceAll('$', '$$$$')).join(' ');
}

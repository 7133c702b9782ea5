import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { packageRoot } from '../../shared/package-root.js';

/** Everything that importing a compiled file brings in, by following its imports. */
function importsOf(file: string, seen = new Set<string>()): Set<string> {
  if (seen.has(file)) return seen;
  seen.add(file);
  for (const [, wanted = ''] of readFileSync(file, 'utf8').matchAll(/^(?:import|export)\b[^;]*?from '([^']+)'/gm)) {
    if (wanted.startsWith('.')) importsOf(path.resolve(path.dirname(file), wanted), seen);
    else seen.add(wanted);
  }
  return seen;
}

const compiled = (name: string) => path.join(packageRoot(), 'dist', 'shared', 'config', `${name}.js`);

describe('what clients and plugins may import', () => {
  it.each(['service-spec', 'problem', 'names', 'durations', 'sizes', 'runtime-template', 'resolve-environment', 'merge-patch', 'host-ports', 'usual-port', 'nearest-name', 'spec-hash'])(
    '%s brings neither zod nor yaml along',
    (name) => {
      const imports = importsOf(compiled(name));
      expect([...imports].filter((wanted) => wanted === 'zod' || wanted === 'yaml')).toEqual([]);
    },
  );

  it('is told apart from what the daemon imports', () => {
    const imports = importsOf(compiled('load-source'));
    expect(imports.has('zod')).toBe(true);
    expect(imports.has('yaml')).toBe(true);
  });
});

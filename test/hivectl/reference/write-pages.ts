import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from '../../../shared/package-root.js';
import { withParts } from './pages.js';
import { referenceTables } from './tables.js';

/** Run after a change of the method table, the events, the errors or the commands: node dist/test/hivectl/reference/write-pages.js */
for (const [page, parts] of Object.entries(referenceTables())) {
  const path = join(packageRoot(), 'docs', page);
  writeFileSync(path, withParts(readFileSync(path, 'utf8'), parts));
}

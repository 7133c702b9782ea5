import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { SqliteFile } from '../../daemon/sources/sqlite-file.js';
import type { Exported, ExportedSource } from '../../plugins/backup/snapshot/exported.js';

/** What is planted where secrets are, to be looked for. */
export const planted = 'pl4nted-hunter2-pl4nted';

/** Sources of every kind in a folder, made unless they are there, and what a daemon would say of them. */
export function sampleSources(folder: string, { isThere = false } = {}): Exported {
  const yaml = `version: "1"\nservices:\n  web: {runner: {type: script, script: {run: exec sleep 1000}}, environment: {static: {TOKEN: ${planted}}, dotenv: {files: [.env]}}}\n`;
  if (!isThere) writeSources(folder, yaml);
  const source = (name: string, kind: 'yaml' | 'sqlite', path: string, more: Partial<ExportedSource>): ExportedSource => ({ name, kind, path, enabled: true, services: [], text: null, dotenv: [], ...more });
  const sources = [
    source('default', 'yaml', join(folder, 'home/hive.yaml'), {}),
    source('shop', 'yaml', join(folder, 'shop/.adi/hive.yaml'), { text: yaml, services: ['web'], dotenv: [join(folder, 'shop/.env')] }),
    source('jobs', 'sqlite', join(folder, 'jobs.db'), { services: ['one', 'two', 'three'] }),
  ];
  return {
    sources,
    state: {
      version: '0.1.0', home: join(folder, 'home'),
      sources: sources.map(({ name, kind, path, enabled }) => ({ name, kind, path, enabled, revision: 1 })),
      intents: [{ name: 'shop:*', wanted: 'up' }], scales: [], plugins: [],
    },
  };
}

function writeSources(folder: string, yaml: string): void {
  mkdirSync(join(folder, 'shop/.adi'), { recursive: true });
  writeFileSync(join(folder, 'shop/.adi/hive.yaml'), yaml);
  writeFileSync(join(folder, 'shop/.env'), `PASSWORD=${planted}\n`);
  const database = new SqliteFile(join(folder, 'jobs.db'));
  for (const name of ['one', 'two', 'three']) {
    database.apply({ kind: 'put', service: name, action: 'create', config: JSON.stringify({ runner: { type: 'script', script: { run: 'true' } }, environment: { static: { TOKEN: planted } } }) }, database.snapshot());
  }
  database.close();
}

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestHive } from '../support/test-hive.js';
import { until } from '../support/until.js';

export const plugin = 'backup';
export const sleeper = '{runner: {type: script, script: {run: exec sleep 1000}}, restart: always}';

/** Calls a method of the backup plugin, once it is ready. */
export async function ask<Answer = Record<string, unknown>>(hive: TestHive, method: string, params: object = {}): Promise<Answer> {
  await until(async () => ((await hive.client.listPlugins()).plugins.some(({ id, state }) => id === plugin && state === 'ready') ? true : undefined), 'the backup plugin to be ready');
  return (await hive.client.callPlugin({ plugin, method, params }, { deadlineMs: 60_000 })) as Answer;
}

/** Writes the default source: settings of the plugin as JSON, services as YAML flow mappings. */
export async function configure(hive: TestHive, settings: object, services: Record<string, string> = {}): Promise<void> {
  const lines = Object.entries(services).map(([name, service]) => `  ${name}: ${service}\n`).join('');
  writeFileSync(join(hive.home, 'hive.yaml'), `version: "1"\nplugins: {backup: ${JSON.stringify({ enabled: true, every: 'never', ...settings })}}\nservices:${lines === '' ? ' {}\n' : `\n${lines}`}`);
  await hive.client.reloadSource({ name: 'default' });
}

/** A folder beside the home, removed when the test's daemon has ended. */
export function folderFor(hive: TestHive, name: string): string {
  const root = mkdtempSync(join(tmpdir(), `hive-${name}-`));
  hive.cleanups.push(() => rmSync(root, { recursive: true, force: true }));
  const folder = join(root, name);
  mkdirSync(folder);
  return folder;
}

import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { HiveError } from '../../shared/errors/index.js';
import type { DaemonClient } from '../../shared/client/index.js';
import { packageRoot } from '../../shared/package-root.js';
import { TestHive } from '../support/test-hive.js';

/** What cannot be a name, and what is called that. */
const badNames: readonly [string, string][] = [
  ['a way out', '../x'],
  ['a way out, encoded', '..%2fx'],
  ['the folder itself', '.'],
  ['the folder above', '..'],
  ['a path', 'a/b'],
  ['a path from the root', '/etc/passwd'],
  ['a backslash', 'a\\b'],
  ['an option', '-rf'],
  ['nothing', ''],
  ['a blank', ' '],
  ['NUL', 'a\0b'],
  ['a line break', 'a\nb'],
  ['a terminal command', '\u001b[2Ja'],
  ['300 characters', 'a'.repeat(300)],
  ['64 characters', 'a'.repeat(64)],
  ['100,000 characters', 'a'.repeat(100_000)],
  ['a Cyrillic look-alike', 'w\u0435b'],
  ['a Greek look-alike', 'w\u03b5b'],
  ['full-width letters', '\uff57\uff45\uff42'],
  ['an invisible character', 'we\u200bb'],
  ['the other writing direction', 'we\u202eb'],
  ['a combining accent', 'we\u0301b'],
  ['capitals', 'WEB'],
  ['a command', '$(reboot)'],
  ['a glob', 'w?b'],
  ['an internal of JavaScript', '__proto__'],
  ['half a surrogate pair', 'we\ud800b'],
];

const config = { runner: { type: 'script', script: { run: 'exec sleep 1000' } } };

/** Every way in which a name comes in over the socket; `name` stands where a good one would. */
const doors: readonly [string, (client: DaemonClient, name: string) => Promise<unknown>][] = [
  ['services.create, name', (client, name) => client.createService({ source: 'cocoons', name, config })],
  ['services.create, source', (client, name) => client.createService({ source: name, name: 'web', config })],
  ['source.add, name', async (client, name) => client.addSource({ path: projectOf(name), name })],
  ['source.remove', (client, name) => client.removeSource({ name })],
  ['source.reload', (client, name) => client.reloadSource({ name })],
  ['source.enable', (client, name) => client.enableSource({ name })],
  ['source.disable', (client, name) => client.disableSource({ name })],
  ['source.start', (client, name) => client.startSource({ name })],
  ['source.stop', (client, name) => client.stopSource({ name })],
  ['source.plan', (client, name) => client.planSource({ name })],
  ['services.list, source', (client, name) => client.listServices({ source: name })],
  ['services.start, source', (client, name) => client.startService({ source: name })],
  ['services.stop, source', (client, name) => client.stopService({ source: name })],
  ['services.restart, source', (client, name) => client.restartService({ source: name })],
  ...fqnDoors((service) => `cocoons:${service}`, 'service of a full name'),
  ...fqnDoors((source) => `${source}:web`, 'source of a full name'),
  ['logs.get, service', (client, name) => client.getLogs({ fqn: `cocoons:${name}` })],
  ['logs.get, source', (client, name) => client.getLogs({ fqn: `${name}:web` })],
  ['logs.get, a whole source', (client, name) => client.getLogs({ fqn: `${name}:*` })],
  ['logs.subscribe, service', (client, name) => client.subscribeLogs({ fqn: `cocoons:${name}` })],
  ['logs.subscribe, source', (client, name) => client.subscribeLogs({ fqn: `${name}:web` })],
  ['plugins.get', (client, name) => client.getPlugin({ plugin: name })],
  ['plugins.enable', (client, name) => client.enablePlugin({ plugin: name })],
  ['plugins.disable', (client, name) => client.disablePlugin({ plugin: name })],
  ['plugins.restart', (client, name) => client.restartPlugin({ plugin: name })],
  ['plugins.call', (client, name) => client.callPlugin({ plugin: name, method: 'x' })],
];

function fqnDoors(fqnOf: (name: string) => string, where: string): [string, (client: DaemonClient, name: string) => Promise<unknown>][] {
  const calls: [string, (client: DaemonClient, fqn: string) => Promise<unknown>][] = [
    ['services.get', (client, fqn) => client.getService({ fqn })],
    ['services.config', (client, fqn) => client.getServiceConfig({ fqn })],
    ['services.update', (client, fqn) => client.updateService({ fqn, patch: {} })],
    ['services.delete', (client, fqn) => client.deleteService({ fqn })],
    ['services.start', (client, fqn) => client.startService({ fqn })],
    ['services.stop', (client, fqn) => client.stopService({ fqn })],
    ['services.restart', (client, fqn) => client.restartService({ fqn })],
    ['services.deploy', (client, fqn) => client.deployService({ fqn })],
    ['services.scale', (client, fqn) => client.scaleService({ fqn, instances: 1 })],
    ['services.wait', (client, fqn) => client.waitForService({ fqn, for: 'running', timeoutMs: 0 })],
    ['services.revisions', (client, fqn) => client.listRevisions({ fqn })],
    ['services.rollback', (client, fqn) => client.rollbackService({ fqn, revision: 1 })],
    ['services.stats', (client, fqn) => client.getStats({ fqn })],
  ];
  return calls.map(([method, call]) => [`${method}, ${where}`, (client, name) => call(client, fqnOf(name))]);
}

let hive: TestHive;
const projectOf = (name: string): string => hive.writeSource(`project-${badNames.findIndex(([, bad]) => bad === name)}`, 'version: "1"\nservices: {}\n');

/** Everything in the home but what a daemon writes all the time. */
function inHome(): string[] {
  return (readdirSync(hive.home, { recursive: true }) as string[]).filter((path) => !/^(hived\.log|state\.db|logs\/\.plugins|projects)/.test(path)).sort();
}

const controlCharacters = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u;

/** A sentence that a person can be shown: it says something, ends, fits on a screen and moves no cursor. */
function expectSentence(what: string, text: string): void {
  expect([what, text]).toEqual([what, expect.stringMatching(/^[A-Z"][^]{15,600}[.…]$/)]);
  expect([what, controlCharacters.test(text)]).toEqual([what, false]);
}

async function hivectl(words: readonly string[]): Promise<{ code: number | null; printed: string }> {
  const child = spawn(process.execPath, [join(packageRoot(), 'dist/hivectl/main.js'), ...words], { env: { ...process.env, HIVE_HOME: hive.home, NODE_OPTIONS: '' }, stdio: ['ignore', 'pipe', 'pipe'] });
  let printed = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => { printed += chunk.toString(); });
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, printed };
}

beforeAll(async () => {
  hive = await TestHive.started();
  await hive.client.createService({ source: 'cocoons', name: 'web', config });
});
afterAll(() => hive.end());

describe('promise 20: names', () => {
  it.each(doors)('are refused with a sentence and leave nothing behind: %s', async (_door, call) => {
    const before = inHome();
    for (const [what, name] of badNames) {
      const outcome = await call(hive.client, name).then(() => null, (error: unknown) => error);
      if (!(outcome instanceof HiveError)) throw new Error(`${what}: accepted, or ${String(outcome)}`);
      expect([what, outcome.code]).toEqual([what, 'INVALID_PARAMS']);
      expectSentence(what, outcome.message);
      expect([what, outcome.next]).toEqual([what, expect.stringMatching(/./)]);
    }
    expect(inHome()).toEqual(before);
    expect((await hive.client.listSources()).sources.map(({ name }) => name)).toEqual(['default', 'cocoons']);
    expect((await hive.client.listServices()).services.map(({ fqn }) => fqn)).toEqual(['cocoons:web']);
  });

  it.each([
    ['a service', (name: string) => `services: {${name}: {runner: {type: script, script: {run: x}}}}`],
    ['a port', (name: string) => `services: {web: {runner: {type: script, script: {run: x}}, rollout: {type: recreate, recreate: {ports: {${name}: auto}}}}}`],
    ['a dependency', (name: string) => `services: {web: {runner: {type: script, script: {run: x}}, depends_on: [${name}]}}`],
  ])('are refused in hive.yaml, at their line: %s', async (_what, document) => {
    const before = inHome();
    for (const [what, name] of badNames) {
      // YAML has no way to write half a surrogate pair, and a key of 100,000 characters is no key.
      if (name.includes('\ud800') || name.length > 1_000) continue;
      const folder = hive.writeSource('bad', `version: "1"\n${document(JSON.stringify(name).replaceAll('/', '\\/'))}\n`);
      const outcome = await hive.client.addSource({ path: folder, name: 'bad' }).then(() => null, (error: unknown) => error);
      if (!(outcome instanceof HiveError)) throw new Error(`${what}: accepted, or ${String(outcome)}`);
      expect([what, outcome.code]).toEqual([what, 'INVALID_CONFIG']);
      const problems = outcome.data['problems'] as { message: string; line: number; offendingLine?: string }[];
      for (const { message, line, offendingLine = '' } of problems) {
        expectSentence(what, message);
        expect([what, line]).toEqual([what, 2]);
        expect([what, controlCharacters.test(offendingLine.replaceAll('\t', ''))]).toEqual([what, false]);
      }
      expect([what, problems.length]).not.toEqual([what, 0]);
    }
    expect(inHome()).toEqual(before);
  });

  it.each([
    ['stop', (name: string) => ['stop', '--', name]],
    ['logs', (name: string) => ['logs', '--', `cocoons:${name}`]],
    ['source remove', (name: string) => ['source', 'remove', '--', name]],
    ['source add', (name: string) => ['source', 'add', hive.home, `--name=${name}`]],
    ['plugin restart', (name: string) => ['plugin', 'restart', '--', name]],
  ])('are refused by hivectl %s, in a way that a terminal survives', async (_command, wordsOf) => {
    const before = inHome();
    await Promise.all(['../x', '-rf', 'a\nb', '\u001b[2Ja', 'a'.repeat(300), 'w\u0435b', 'we\u202eb'].map(async (name) => {
      const { code, printed } = await hivectl(wordsOf(name));
      expect([name, code]).toEqual([name, expect.any(Number)]);
      expect([name, code === 0]).toEqual([name, false]);
      expect([name, printed]).toEqual([name, expect.stringMatching(/^.{10,}/)]);
      expect([name, controlCharacters.test(printed.replaceAll('\n', ''))]).toEqual([name, false]);
      expect([name, printed]).not.toEqual([name, expect.stringMatching(/ {4}at |INTERNAL/)]);
    }));
    expect(inHome()).toEqual(before);
  });

  it('are refused where a folder of the plugins folder has them, visibly, and no such plugin runs', async () => {
    const possible = badNames.map(([, name]) => name).filter((name) => !/[/\0]|^\.{0,2}$|\ud800/.test(name) && name.length <= 200);
    for (const name of possible) {
      const folder = join(hive.home, 'plugins', name);
      mkdirSync(folder, { mode: 0o700 });
      writeFileSync(join(folder, 'hive-plugin.json'), JSON.stringify({ command: ['/bin/sh', '-c', 'touch ran'] }), { mode: 0o600 });
    }
    const ids = ['../../x', 'a/b', '-rf', '', 'w\u0435b', 'a'.repeat(300)];
    ids.forEach((id, index) => {
      const folder = join(hive.home, 'plugins', `named-${index}`);
      mkdirSync(folder, { mode: 0o700 });
      writeFileSync(join(folder, 'hive-plugin.json'), JSON.stringify({ id, command: ['/bin/sh', '-c', 'touch ran'] }), { mode: 0o600 });
    });
    const { plugins, skipped } = await hive.client.reloadPlugins();
    expect(plugins.filter(({ kind }) => kind === 'external')).toEqual([]);
    expect(skipped.map(({ entry }) => entry).sort()).toEqual([...possible, ...ids.map((_id, index) => `named-${index}`)].sort());
    for (const { entry, reason } of skipped) expectSentence(entry, reason);
    expect(readdirSync(join(hive.home, 'plugin-data'))).toEqual([]);
    expect(inHome().filter((path) => path.endsWith('/ran'))).toEqual([]);
  });
});

import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { by, script, SourcesHome, yaml } from './sources-home.js';

const many = 1000;
let home: SourcesHome;
beforeAll(async () => {
  home = await SourcesHome.make();
  await home.sources.load();
});
afterAll(async () => home.destroy());

const service = (index: number, run: string) =>
  `{runner: {type: script, script: {run: ${JSON.stringify(run)}}}, rollout: {type: recreate, recreate: {ports: {http: ${10_000 + index}}}}, healthcheck: {type: http, http: {port: http, path: /health}}, restart: on-failure, environment: {static: {A: "1", B: two}}}`;

const file = (changed: string) => yaml(Object.fromEntries(Array.from({ length: many }, (_, index) => [`svc${index}`, service(index, index === 500 ? changed : 'sleep 1000')])));

async function timed<T>(what: string, work: () => Promise<T>): Promise<{ result: T; ms: number }> {
  const started = performance.now();
  const result = await work();
  const ms = performance.now() - started;
  process.stdout.write(`${what}: ${ms.toFixed(0)} ms\n`);
  return { result, ms };
}

describe('a thousand services', () => {
  it('in a YAML file are loaded, and reloaded with one changed, fast', async () => {
    const path = await home.project('many', file('sleep 1'));
    await timed('add 1,000 (YAML)', () => home.sources.add({ path }, by));
    const times: number[] = [];
    for (const round of [1, 2, 3]) {
      await writeFile(home.file('many'), file(`sleep ${round + 1}`));
      const { ms } = await timed('reload, one changed (YAML)', () => home.sources.reload('many', by));
      // The watch may have been faster; either way it is this one change that went live.
      expect(home.supervisor.applied('many')).toHaveLength(round + 1);
      expect(home.supervisor.applied('many').at(-1)?.changes).toEqual([{ service: 'many:svc500', action: 'replace', fields: ['runner'] }]);
      times.push(ms);
    }
    expect(Math.min(...times)).toBeLessThan(300);
    const { ms } = await timed('reload, nothing changed (YAML)', () => home.sources.reload('many', by));
    expect(ms).toBeLessThan(150);
  });

  it('in a SQLite source are created, changed and loaded fast', async () => {
    await home.sources.add({ path: join(home.folder, 'jobs.db') }, by);
    const other = new Database(join(home.folder, 'jobs.db'));
    const insert = other.prepare('INSERT INTO services (name, config) VALUES (?, ?)');
    other.transaction(() => {
      for (let index = 0; index < many - 50; index += 1) insert.run(`job${index}`, JSON.stringify(script(`sleep ${index}`, { restart: 'always' })));
    })();
    other.close();
    await timed('reload 950 new (SQLite)', () => home.sources.reload('jobs', by));
    await timed('create 50 more, one by one', async () => {
      for (let index = many - 50; index < many; index += 1) await home.sources.createService({ source: 'jobs', name: `job${index}`, config: script(`sleep ${index}`, { restart: 'always' }) }, by);
    });
    const { ms } = await timed('update one of 1,000', () => home.sources.updateService({ fqn: 'jobs:job500', patch: { stop: { grace: '3s' } } }, by));
    expect(ms).toBeLessThan(300);
    await timed('restart with 2,000', () => home.restart());
    expect(home.sources.allSpecs()).toHaveLength(2 * many);
  });
});

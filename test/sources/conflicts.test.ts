import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { parse } from 'yaml';
import { by, refusal, script, SourcesHome, yaml } from './sources-home.js';

let home: SourcesHome;
beforeEach(async () => {
  home = await SourcesHome.make();
  await home.sources.load();
});
afterEach(async () => home.destroy());

const web = (more: string) => `{runner: {type: script, script: {run: x}}, ${more}}`;
const port = (number: number | string) => `rollout: {type: recreate, recreate: {ports: {http: ${number}}}}`;

/** [what collides, one side, other side] */
const collisions: [string, string, string][] = [
  ['The host port 8012', web(port(8012)), web(port(8012))],
  ['The host port 8012', web(port(8012)), web('rollout: {type: blue-green, blue-green: {ports: {http: {blue: 8011, green: 8012}}}}, proxy: {host: b.org, path: /, port: http}, healthcheck: {type: tcp, tcp: {port: http}}')],
  ['The host port 8012', web(port(8012)), '{runner: {type: docker, docker: {image: x, ports: ["127.0.0.1:8012:80"]}}}'],
  ['The route example.org/api', web(`${port(8012)}, proxy: {host: Example.org, path: /api, port: http}`), web(`${port(8013)}, proxy: {host: example.org, path: /api/, port: http}`)],
  ['The route */', web(`${port(8012)}, proxy: {path: /, port: http}`), web(`${port(8013)}, proxy: {path: /, port: http}`)],
  ['The expose name "db"', web('expose: {name: db, vars: {}}'), web('expose: {name: db, vars: {}}')],
];

describe('what belongs to one service on the machine', () => {
  it.each(collisions)('%s: the second source is refused as a whole, both sides named, at its line', async (what, one, other) => {
    await home.sources.add({ path: await home.project('first', yaml({ one })) }, by);
    const file = yaml({ harmless: 'x', other });
    const refused = await refusal(home.sources.add({ path: await home.project('second', file) }, by));
    expect(refused.code).toBe('CONFLICT');
    expect(refused.message).toBe(`${what} is wanted by second:other and belongs to first:one.`);
    expect(refused.data['problems']).toMatchObject([{ file: home.file('second'), line: 4, code: 'CONFLICT' }]);
    expect(home.sources.list().map(({ name }) => name)).toEqual(['default', 'first']);
    expect(home.supervisor.applied('second')).toEqual([]);
  });

  it.each(collisions)('%s: nor can it be reloaded, created, updated, rolled back to or enabled', async (what, one, other) => {
    await home.sources.add({ path: await home.project('first', yaml({ one })) }, by);
    await home.sources.add({ path: await home.project('second', yaml({ harmless: 'x' })) }, by);
    await home.sources.add({ path: join(home.folder, 'jobs.db') }, by);
    const sides = (wantedBy: string): string => `${what} is wanted by ${wantedBy} and belongs to first:one.`;

    await writeFile(home.file('second'), yaml({ harmless: 'x', other }));
    expect(await refusal(home.sources.reload('second', by))).toMatchObject({ code: 'CONFLICT', message: sides('second:other') });
    expect(home.sources.get('second')).toMatchObject({ status: 'error', problems: [{ line: 4, message: sides('second:other') }] });
    expect(home.sources.specOf('second:other')).toBeNull();

    await writeFile(home.file('second'), yaml({ harmless: 'x' }));
    await home.sources.reload('second', by);

    const config = parse(other) as { runner: { type: string } };
    expect(await refusal(home.sources.createService({ source: 'jobs', name: 'other', config }, by))).toMatchObject({ code: 'CONFLICT', message: sides('jobs:other') });
    const runner = config.runner.type === 'docker' ? { type: 'docker', docker: { image: 'x' } } : config.runner;
    const { revision } = await home.sources.createService({ source: 'jobs', name: 'other', config: { runner } }, by);
    expect(await refusal(home.sources.updateService({ fqn: 'jobs:other', patch: config }, by))).toMatchObject({ code: 'CONFLICT', message: sides('jobs:other') });
    expect(home.sources.revisions('jobs:other')).toHaveLength(1);

    await home.sources.disable('first', by);
    const { revision: colliding } = await home.sources.updateService({ fqn: 'jobs:other', patch: config }, by);
    expect(await refusal(home.sources.enable('first', by))).toMatchObject({ code: 'CONFLICT', message: `${what} is wanted by first:one and belongs to jobs:other.` });
    await home.sources.rollbackService({ fqn: 'jobs:other', revision }, by);
    await home.sources.enable('first', by);
    expect(await refusal(home.sources.rollbackService({ fqn: 'jobs:other', revision: colliding }, by))).toMatchObject({ code: 'CONFLICT', message: sides('jobs:other') });
  });

  it('lets apart what differs: auto ports, hosts, paths, names', async () => {
    await home.sources.add({ path: await home.project('first', yaml({ one: web(`${port('auto')}, proxy: {host: a.org, path: /api, port: http}, expose: {name: a, vars: {}}`) })) }, by);
    await home.sources.add({ path: await home.project('second', yaml({ two: web(`${port('auto')}, proxy: [{host: b.org, path: /api, port: http}, {host: a.org, path: /apifoo, port: http}], expose: {name: b, vars: {}}`) })) }, by);
    expect(home.sources.allSpecs()).toHaveLength(2);
  });

  it('counts the front door of the default source', async () => {
    await writeFile(join(home.path, 'hive.yaml'), yaml({}, 'proxy: {bind: ["127.0.0.1:8080"]}\n'));
    await home.sources.reload('default', by);
    const refused = await refusal(home.sources.add({ path: await home.project('shop', yaml({ web: web(port(8080)) })) }, by));
    expect(refused.message).toContain('the front door of source default');
  });

  it('keeps the last good revision live when a reload would collide, and frees what is given up', async () => {
    await home.sources.add({ path: await home.project('first', yaml({ one: web(port(8012)) })) }, by);
    await home.sources.add({ path: await home.project('second', yaml({ other: web(port(8013)) })) }, by);
    await writeFile(home.file('second'), yaml({ other: web(port(8012)) }));
    expect(await refusal(home.sources.reload('second', by))).toMatchObject({ code: 'CONFLICT' });
    expect((await home.sources.plan('second')).problems).toMatchObject([{ code: 'CONFLICT' }]);
    expect(home.sources.get('second')).toMatchObject({ status: 'error', revision: 1 });
    expect(home.sources.specOf('second:other')?.rollout.ports).toEqual({ http: 8013 });
    await home.restart();
    expect(home.sources.specOf('second:other')?.rollout.ports).toEqual({ http: 8013 });
    expect(home.sources.get('second').status).toBe('error');
    await home.sources.disable('first', by);
    expect(await home.sources.reload('second', by)).toMatchObject({ source: { status: 'loaded' } });
    expect(await refusal(home.sources.enable('first', by))).toMatchObject({ code: 'CONFLICT' });
  });

  it('keeps what a source holds when the one before it takes the same while no daemon runs', async () => {
    await home.sources.add({ path: await home.project('first', yaml({ one: web(port(8012)) })) }, by);
    await home.sources.add({ path: await home.project('second', yaml({ other: web(port(8013)) })) }, by);
    await home.close();
    await writeFile(home.file('first'), yaml({ one: web(port(8013)) }));
    await home.restart();
    expect(home.sources.get('first')).toMatchObject({ status: 'error' });
    expect(home.sources.specOf('first:one')?.rollout.ports).toEqual({ http: 8012 });
    expect(home.sources.get('second')).toMatchObject({ status: 'loaded' });
  });

  it('holds for services that are created, and for two who come at once', async () => {
    await home.sources.add({ path: join(home.folder, 'jobs.db') }, by);
    await home.sources.add({ path: await home.project('first', yaml({ one: web(port(8012)) })) }, by);
    const rollout = (number: number) => ({ rollout: { type: 'recreate', recreate: { ports: { http: number } } } });
    expect(await refusal(home.sources.createService({ source: 'jobs', name: 'two', config: script('x', rollout(8012)) }, by))).toMatchObject({ code: 'CONFLICT' });
    const config = script('x', rollout(9000));
    const outcomes = await Promise.allSettled(['jobs', 'cocoons', 'jobs'].map((source, index) => home.sources.createService({ source, name: `s${index}`, config }, by)));
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    expect(home.sources.allSpecs()).toHaveLength(2);
  });
});

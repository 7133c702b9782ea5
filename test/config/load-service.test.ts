import { describe, expect, it } from '@jest/globals';
import { loadService, loadServices, type ServiceInput } from '../../shared/config/load-service.js';
import { mergePatch } from '../../shared/config/merge-patch.js';

const runner = { type: 'script', script: { run: 'work' } };
const rollout = (port: number) => ({ type: 'recreate', recreate: { ports: { http: port } } });
const base = { source: 'cocoons', projectRoot: '/home/hive', env: {}, siblings: [] };
const load = (name: string, values: unknown, more: Partial<ServiceInput> = {}) => loadService({ ...base, name, config: { values }, ...more });

describe('a service that comes as JSON', () => {
  it('gets the same spec as one from a file', () => {
    expect(load('worker', { runner, restart: 'always' })).toMatchObject({ ok: true, spec: { fqn: 'cocoons:worker', runner: { run: 'work', workingDir: '/home/hive' }, restart: { policy: 'always' } } });
  });

  it('gets the same problems, with a path instead of a line', () => {
    const result = load('worker', { runner, restrat: 'always', stop: { grace: 5 } });
    expect(result).toMatchObject({
      ok: false,
      problems: [
        { file: 'cocoons:worker', line: 1, column: 1, path: 'services.worker.restrat', suggestion: 'restart' },
        { file: 'cocoons:worker', path: 'services.worker.stop.grace', message: 'stop.grace of service worker ("5") has no unit: write 5s (units: ms, s, m, h, d).' },
      ],
    });
    expect(JSON.stringify(result)).not.toContain('offendingLine');
  });

  it('has lines when its text is given', () => {
    const result = loadService({ ...base, name: 'worker', config: { text: 'runner: {type: script, script: {run: x}}\nrestrat: always\n' } });
    expect(result).toMatchObject({ ok: false, problems: [{ file: 'cocoons:worker', line: 2, column: 1, offendingLine: 'restrat: always' }] });
  });

  it.each([
    ['../x', 'starts with a dot'],
    ['a/b', 'contains a slash'],
    ['-rf', 'starts with "-"'],
    ['', 'cannot be empty'],
    ['w\u0430b', 'Cyrillic'],
    ['x'.repeat(300), '300 characters'],
  ])('is refused with the name %j', (name, part) => {
    expect(load(name, { runner })).toMatchObject({ ok: false, problems: [{ message: expect.stringContaining(part) as unknown }] });
  });

  it.each([
    ['null', null, 'has no value'],
    ['a text', 'x', 'must be a map'],
    ['a function', { runner: () => 0 }, 'made of JSON values'],
    ['a NUL', { runner: { type: 'script', script: { run: 'a\0' } } }, 'NUL'],
    ['a prototype', JSON.parse('{"__proto__": {"a": 1}}'), '__proto__'],
  ])('is refused when it is %s', (_, values, part) => {
    expect(load('worker', values)).toMatchObject({ ok: false, problems: [{ message: expect.stringContaining(part) as unknown }] });
  });

  it('is refused when it never ends', () => {
    const endless: Record<string, unknown> = {};
    endless['runner'] = endless;
    expect(load('worker', endless)).toMatchObject({ ok: false, problems: [{ message: 'This is nested more than 64 levels deep.' }] });
  });

  it('is checked against its siblings, but not against the one that it replaces', () => {
    const loaded = loadServices({ ...base, services: { a: { runner, rollout: rollout(80) }, b: { runner, depends_on: ['a'] } } });
    if (!loaded.ok) throw new Error('the siblings are right');
    const siblings = loaded.spec.services;
    expect(load('a', { runner, rollout: rollout(80) }, { siblings }).ok).toBe(true);
    expect(load('c', { runner, rollout: rollout(80) }, { siblings })).toMatchObject({ ok: false, problems: [{ code: 'CONFLICT', message: 'Host port 80 for port http of service c is taken by port http of service a.' }] });
    expect(load('c', { runner, depends_on: ['bb'] }, { siblings })).toMatchObject({ ok: false, problems: [{ suggestion: 'b' }] });
    expect(load('a', { runner, depends_on: ['b'] }, { siblings })).toMatchObject({ ok: false, problems: [{ code: 'DEPENDENCY_CYCLE', message: 'Services wait for each other in a circle: a → b → a.' }] });
  });

  it('is named in the problems of a whole database', () => {
    expect(loadServices({ ...base, services: { a: { runner }, b: {} } })).toMatchObject({ ok: false, problems: [{ file: 'cocoons:b', message: 'runner of service b is missing.' }] });
  });
});

describe('mergePatch', () => {
  it.each([
    [{ a: 'b' }, { a: 'c' }, { a: 'c' }],
    [{ a: 'b' }, { b: 'c' }, { a: 'b', b: 'c' }],
    [{ a: 'b', b: 'c' }, { a: null }, { b: 'c' }],
    [{ a: ['b'] }, { a: 'c' }, { a: 'c' }],
    [{ a: { b: 'c' } }, { a: { b: 'd', c: null } }, { a: { b: 'd' } }],
    [{ a: [{ b: 'c' }] }, { a: [1] }, { a: [1] }],
    [['a', 'b'], ['c'], ['c']],
    [{ a: 'b' }, null, null],
    [{ e: null }, { a: 1 }, { e: null, a: 1 }],
    [[1, 2], { a: 'b', c: null }, { a: 'b' }],
    [{}, { a: { bb: { ccc: null } } }, { a: { bb: {} } }],
  ])('of %j and %j is %j, as RFC 7396 says', (target, patch, merged) => {
    expect(mergePatch(target, patch)).toEqual(merged);
  });

  it('changes neither argument and no prototype', () => {
    const target = { a: { b: 1 } };
    const merged = mergePatch(target, JSON.parse('{"a": {"c": 2}, "__proto__": {"polluted": true}}'));
    expect(target).toEqual({ a: { b: 1 } });
    expect(Object.getPrototypeOf(merged)).toBe(Object.prototype);
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
  });
});

import { describe, expect, it } from '@jest/globals';
import { resolveUses, type Neighbours, type Provider, type SecretVerdict } from '../../daemon/sharing/resolve-uses.js';
import { wayBetween } from '../../daemon/sharing/waiting-circle.js';
import type { UseSpec } from '../../shared/config/service-spec.js';

const use = (over: Partial<UseSpec> = {}): UseSpec => ({ name: 'shared-db', secret: null, as: 'db', vars: {}, ...over });
const provider = (over: Partial<Provider> = {}): Provider => ({
  fqn: 'infra:db', state: 'running', healthy: true, wanted: 'up', reason: 'it runs', hasHealthCheck: true, stoppingFor: null, blocked: false, comingUp: null,
  ports: { sql: 5432 }, usedPorts: { disk: { nbd: 10809 } },
  expose: { name: 'shared-db', secret: null, vars: { URL: 'db://h:{{runtime.port.sql}}/{{uses.disk.port.nbd}}', USER: 'me' } },
  ...over,
});
const around = (one: Provider | undefined, over: { verdict?: SecretVerdict; circle?: string[] } = {}): Neighbours => ({
  provider: (name) => (name === one?.expose.name ? one : undefined),
  names: () => (one === undefined ? [] : [one.expose.name]),
  verdict: () => over.verdict ?? 'fits',
  circle: () => over.circle ?? null,
});
const sentence = (one: Provider | undefined, uses: UseSpec[] = [use()], over: Parameters<typeof around>[1] = {}) => resolveUses('app:web', uses, around(one, over));

describe('resolveUses', () => {
  it("fills in the provider's ports and renames what is asked for, and only that", () => {
    expect(sentence(provider(), [use({ vars: { URL: 'DB_URL' } })])).toEqual({
      kind: 'ready',
      shares: [{ name: 'shared-db', alias: 'db', variables: { DB_URL: 'db://h:5432/10809', USER: 'me' }, ports: { sql: 5432 } }],
    });
  });

  it.each<[string, Partial<Provider>, string, boolean]>([
    ['starting', { state: 'starting', healthy: null }, 'waiting for shared-db (infra:db) to be healthy', false],
    ['unchecked', { healthy: null }, 'waiting for shared-db (infra:db) to be healthy', false],
    ['unhealthy', { healthy: false }, 'waiting for shared-db (infra:db), which is not healthy', false],
    ['stopped', { state: 'stopped', wanted: 'down', healthy: null }, 'waiting for shared-db (infra:db) to be healthy; it is stopped', true],
    ['failed', { state: 'failed', reason: 'it exited with code 3', healthy: null }, 'waiting for shared-db (infra:db), which failed: it exited with code 3', true],
    ['completed', { state: 'completed', healthy: null, hasHealthCheck: false }, 'waiting for shared-db (infra:db), which has completed and does not run', true],
  ])('is closed by a provider that is %s', (_, over, on, blocked) => {
    expect(sentence(provider(over))).toEqual({ kind: 'closed', on, blocked });
  });

  it('is open for a provider that runs and has no checks', () => {
    expect(sentence(provider({ healthy: null, hasHealthCheck: false })).kind).toBe('ready');
  });

  it('suggests the nearest name that is exposed', () => {
    expect(sentence(provider(), [use({ name: 'shraed-db' })])).toEqual({ kind: 'closed', on: 'waiting for shraed-db, which no service exposes; did you mean shared-db?', blocked: true });
    expect(sentence(undefined)).toMatchObject({ on: 'waiting for shared-db, which no service exposes' });
  });

  it.each<[SecretVerdict, RegExp, boolean]>([
    ['missing', /wants a secret: give it one under uses of app:web$/, true],
    ['differs', /under uses of app:web, and under expose of infra:db$/, true],
    ['unchecked', /to be compared$/, false],
    ['failed', /could not be compared/, true],
  ])('is closed by a secret that is %s, before anything else', (verdict, on, blocked) => {
    expect(sentence(provider({ state: 'stopped', wanted: 'down' }), [use()], { verdict })).toMatchObject({ kind: 'closed', on: expect.stringMatching(on), blocked });
  });

  it('names a circle', () => {
    expect(sentence(provider({ state: 'waiting', healthy: null }), [use()], { circle: ['infra:db', 'app:web'] })).toMatchObject({ on: expect.stringContaining('(infra:db → app:web)'), blocked: true });
  });

  it('names everything that is missing', () => {
    const two = sentence(provider({ healthy: null }), [use(), use({ name: 'cache', as: 'cache' })]);
    expect(two).toMatchObject({ on: 'waiting for shared-db (infra:db) to be healthy and for cache, which no service exposes' });
  });

  it('is closed by a variable that cannot be filled in, without its value', () => {
    const broken = provider({ ports: {}, expose: { name: 'shared-db', secret: null, vars: { URL: 'planted:{{runtime.port.sql}}' } } });
    expect(sentence(broken)).toMatchObject({ on: expect.stringContaining('whose URL cannot be filled in: {{runtime.port.sql}}'), blocked: true });
    expect(JSON.stringify(sentence(broken))).not.toContain('planted');
  });
});

describe('wayBetween', () => {
  const needs: Record<string, string[]> = { a: ['b', 'c'], b: ['a'], c: ['d'], d: ['c'] };
  const look = (name: string): string[] => needs[name] ?? [];

  it('finds the shortest way, and ends in circles that do not lead there', () => {
    expect(wayBetween('b', 'd', look)).toEqual(['b', 'a', 'c', 'd']);
    expect(wayBetween('c', 'a', look)).toBeNull();
    expect(wayBetween('x', 'x', look)).toEqual(['x']);
  });
});

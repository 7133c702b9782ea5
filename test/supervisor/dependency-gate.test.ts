import { describe, expect, it } from '@jest/globals';
import { dependencyGate, type DependencyView } from '../../daemon/supervisor/dependency-gate.js';
import type { DependencyCondition } from '../../shared/config/service-spec.js';

const view = (over: Partial<DependencyView> = {}): DependencyView => ({ state: 'running', healthy: null, wanted: 'up', reason: 'it runs', hasHealthCheck: false, stoppingFor: null, blocked: false, comingUp: null, ...over });
const gate = (condition: DependencyCondition, db: DependencyView | undefined) => dependencyGate([{ name: 'db', condition, restart: false }], () => db);

describe('dependencyGate', () => {
  it.each([
    ['started', view(), 'open'],
    ['started', view({ state: 'starting' }), 'closed'],
    ['started', view({ state: 'completed' }), 'open'],
    ['healthy', view({ hasHealthCheck: true, healthy: null }), 'closed'],
    ['healthy', view({ hasHealthCheck: true, healthy: false }), 'closed'],
    ['healthy', view({ hasHealthCheck: true, healthy: true }), 'open'],
    ['healthy', view(), 'open'],
    ['completed', view(), 'closed'],
    ['completed', view({ state: 'completed' }), 'open'],
  ] as const)('%s with %o: %s', (condition, db, kind) => {
    expect(gate(condition, db).kind).toBe(kind);
  });

  it('is blocked by what failed, is stopped or does not exist, and says by what', () => {
    expect(gate('started', view({ state: 'failed', reason: 'exited with code 1' }))).toEqual({ kind: 'closed', on: 'waiting for db, which failed: exited with code 1', blocked: true });
    expect(gate('started', view({ state: 'waiting', blocked: true, reason: 'waiting for disk, which failed: it exited with code 1' }))).toEqual({ kind: 'closed', on: 'waiting for db, which cannot start either', blocked: true });
    expect(gate('healthy', view({ state: 'completed', hasHealthCheck: true }))).toEqual({ kind: 'closed', on: 'waiting for db to be healthy; it has ended', blocked: true });
    expect(gate('completed', view({ state: 'stopped', wanted: 'down' }))).toMatchObject({ blocked: true });
    expect(gate('started', undefined)).toMatchObject({ blocked: true });
    expect(gate('started', view({ state: 'backoff' }))).toMatchObject({ blocked: false });
  });

  it('names everything it waits for', () => {
    const two = dependencyGate([{ name: 'db', condition: 'healthy', restart: false }, { name: 'migrate', condition: 'completed', restart: false }], () => view({ state: 'starting' }));
    expect(two).toMatchObject({ on: 'waiting for db to be healthy and for migrate to complete' });
  });
});

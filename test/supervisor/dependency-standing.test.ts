import { describe, expect, it } from '@jest/globals';
import type { DependencyView } from '../../daemon/supervisor/dependency-gate.js';
import { standingOf, type DependencyStanding } from '../../daemon/supervisor/dependency-standing.js';

const view = (over: Partial<DependencyView>): DependencyView => ({ state: 'running', healthy: null, wanted: 'up', reason: '', hasHealthCheck: true, stoppingFor: null, blocked: false, comingUp: null, ...over });
const failed = (how: string): DependencyStanding => ({ kind: 'failed', how });

describe('how a dependency is doing, for what has come up', () => {
  it.each<[DependencyStanding, Parameters<typeof standingOf>[0], Partial<DependencyView>]>([
    [{ kind: 'well' }, 'healthy', { healthy: true }],
    [{ kind: 'well' }, 'healthy', { hasHealthCheck: false }],
    [{ kind: 'unclear' }, 'healthy', {}],
    [{ kind: 'well' }, 'started', {}],
    [failed('is unhealthy'), 'healthy', { healthy: false }],
    [failed('is unhealthy'), 'started', { healthy: false }],
    [failed('is unhealthy'), 'healthy', { state: 'stopping', stoppingFor: 'unhealthy' }],
    [failed('is being restarted'), 'healthy', { state: 'stopping', stoppingFor: 'restart' }],
    [failed('is being stopped'), 'healthy', { state: 'stopping' }],
    [failed('crashed and is about to be restarted'), 'healthy', { state: 'backoff' }],
    [failed('is stopped'), 'started', { state: 'stopped', wanted: 'down' }],
    [failed('has ended'), 'healthy', { state: 'completed' }],
    [{ kind: 'well' }, 'started', { state: 'completed' }],
    [{ kind: 'well' }, 'completed', { state: 'completed' }],
    [{ kind: 'unclear' }, 'completed', { state: 'running' }],
    [{ kind: 'unclear' }, 'completed', { state: 'stopped' }],
    [failed('failed'), 'completed', { state: 'failed' }],
  ])('%j: condition %s, %j', (standing, condition, facts) => {
    expect(standingOf(condition, view(facts))).toEqual(standing);
  });
});

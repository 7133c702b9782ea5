import { describe, expect, it } from '@jest/globals';
import { deriveRoutes, type RoutedInstance, type RoutedService } from '../../daemon/routes/derive-routes.js';

const instance = (over: Partial<RoutedInstance> = {}): RoutedInstance => ({ id: 'a:web#1', incarnation: 'life', healthy: null, ports: { http: 8012 }, ...over });
const service = (instances: RoutedInstance[], over: Partial<RoutedService> = {}): RoutedService => ({
  fqn: 'a:web', hasHealthCheck: false, reason: 'it is starting', instances,
  routes: [{ host: null, path: '/api', port: 'http', stripPrefix: true, timeoutMs: 1_000, headers: { add: { 'x-port': '{{runtime.port.http}}' }, remove: ['x-gone'] } }],
  ...over,
});

describe('deriveRoutes', () => {
  it('gives a running instance requests', () => {
    expect(deriveRoutes([service([instance()])])).toEqual([{
      id: '*/api', host: null, path: '/api', service: 'a:web', stripPrefix: true, timeoutMs: 1_000, reason: null,
      headers: { add: { 'x-port': '8012' }, remove: ['x-gone'] },
      endpoints: [{ id: 'a:web#1/http@life', address: '127.0.0.1', port: 8012 }],
    }]);
  });

  it.each<[string, RoutedInstance, boolean]>([
    ['one that does not run', instance({ incarnation: null }), false],
    ['one whose checks have not passed yet', instance({ healthy: null }), true],
    ['an unhealthy one', instance({ healthy: false }), true],
    ['one without the port', instance({ ports: {} }), false],
  ])('gives none to %s, and says why', (_name, one, hasHealthCheck) => {
    expect(deriveRoutes([service([one], { hasHealthCheck })])).toMatchObject([{ endpoints: [], reason: 'it is starting' }]);
  });

  it('calls each life of an instance another endpoint', () => {
    const ids = ['one', 'two'].map((incarnation) => deriveRoutes([service([instance({ incarnation })])])[0]?.endpoints[0]?.id);
    expect(new Set(ids).size).toBe(2);
  });
});

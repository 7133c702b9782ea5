import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Load } from '../../examples/deploys/load/load.js';
import { DaemonClient } from '../../shared/client/index.js';
import { packageRoot } from '../../shared/package-root.js';
import { Sandbox } from '../hivectl/sandbox.js';
import { freePort } from '../support/free-port.js';
import { everyKind } from '../support/stack-under-load.js';
import { until } from '../support/until.js';

const strategies = {
  'blue-green': { type: 'blue-green', 'blue-green': { ports: { http: { blue: 'auto', green: 'auto' } }, healthy_duration: '50ms', timeout: '30s' } },
  rolling: { type: 'rolling', rolling: { ports: { http: 'auto' } } },
} as const;

function config(version: string, strategy: keyof typeof strategies): Record<string, unknown> {
  return {
    runner: { type: 'script', script: { run: `exec node ${join(packageRoot(), 'examples/deploys/src/server.js')}` } },
    environment: { static: { VERSION: version } },
    rollout: strategies[strategy],
    proxy: { path: '/' },
    healthcheck: { type: 'http', http: { port: 'http', path: '/health', interval: '1s' } },
    instances: 2,
  };
}

describe('a deploy that turns out bad', () => {
  let sandbox: Sandbox;
  let port: number;
  let client: DaemonClient;
  beforeEach(async () => {
    sandbox = new Sandbox();
    port = await freePort();
    mkdirSync(sandbox.home, { mode: 0o700 });
    writeFileSync(join(sandbox.home, 'hive.yaml'), `version: "1"\nproxy: {bind: ["127.0.0.1:${port}"]}\nservices: {}\n`);
    await sandbox.run(sandbox.home, 'daemon start');
    client = await DaemonClient.connect({ home: sandbox.home });
  });
  afterEach(async () => {
    client.close();
    await sandbox.end();
  });

  const answer = async (): Promise<string> => (await fetch(`http://127.0.0.1:${port}/`)).text();

  it.each(['blue-green', 'rolling'] as const)('is rolled back by the same strategy (%s) under load, without one failed request', async (strategy) => {
    const fqn = 'cocoons:web';
    await client.createService({ source: 'cocoons', name: 'web', config: config('v1', strategy) });
    await client.startService({ fqn });
    await client.waitForService({ fqn, for: 'healthy', timeoutMs: 30_000 });
    await until(async () => ((await client.status()).proxy.length > 0 ? true : undefined), 'the proxy to listen');
    const load = new Load(port, everyKind);
    // It is healthy, and yet not what was wanted.
    await client.updateService({ fqn, patch: { environment: { static: { VERSION: 'v2' } } } });
    await client.waitForService({ fqn, for: 'deployed', timeoutMs: 30_000 });
    expect(await answer()).toBe('v2');
    const { code, out, err } = await sandbox.run(sandbox.home, `service rollback ${fqn}`);
    expect(err).toContain('cocoons:web is as in revision 1 again, which is revision 3 now.');
    expect(err).toMatch(/draining and stopping/);
    expect([code, out]).toEqual([0, expect.stringMatching(/^cocoons:web is deployed after [\d.]+s: #\d+, #\d+/)]);
    expect(await answer()).toBe('v1');
    const { failures, done } = await load.stop();
    expect(failures).toEqual([]);
    expect(done.websocket).toBeGreaterThan(0);
    expect((await client.getService({ fqn })).instances).toHaveLength(2);
    const wrong = await sandbox.run(sandbox.home, `service rollback ${fqn} 17`);
    expect(wrong.code).toBe(4);
  });
});

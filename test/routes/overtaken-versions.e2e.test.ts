import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { TestHive } from '../support/test-hive.js';
import { until } from '../support/until.js';

const count = 40;
const rounds = 5;
const names = Array.from({ length: count }, (_, index) => `w${index}`);
/** Far longer than the test may take: a stop that waits for its grace fails it. */
const service = (name: string) =>
  `  ${name}: {runner: {type: script, script: {run: exec sleep 1000}}, rollout: {type: recreate, recreate: {ports: {http: auto}}}, proxy: {path: /${name}}, stop: {grace: 10m}}\n`;

let hive: TestHive;
beforeAll(async () => {
  hive = new TestHive();
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  writeFileSync(join(hive.home, 'hive.yaml'), `version: "1"\nproxy: {bind: ["127.0.0.1:${port}"]}\nservices: {}\n`);
  await hive.start();
  await hive.addSource('app', `version: "1"\nservices:\n${names.map(service).join('')}`);
  await until(async () => ((await hive.client.status()).proxy.length > 0 ? true : undefined), 'the proxy to listen');
}, 30_000);
afterAll(() => hive.end(), 60_000);

describe('an endpoint that came and went before the proxy had applied a table with it', () => {
  it('is waited for by nobody', async () => {
    await Promise.all(names.map(async (name) => {
      const fqn = `app:${name}`;
      for (let round = 0; round < rounds; round += 1) {
        await hive.client.startService({ fqn });
        await hive.client.waitForService({ fqn, for: 'running' });
        await hive.client.stopService({ fqn });
        await hive.client.waitForService({ fqn, for: 'stopped', timeoutMs: 25_000 });
      }
    }));
    expect((await hive.client.getRoutes()).routes.flatMap(({ endpoints }) => endpoints)).toEqual([]);
  }, 40_000);
});

import { afterEach, describe, expect, it } from '@jest/globals';
import { writeFileSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { join } from 'node:path';
import { TestHive } from '../support/test-hive.js';
import { until } from '../support/until.js';

/** Takes 20 ms for an answer, so that requests are under way at any moment; finishes what it has begun when it is told to end. */
const program = `const s=require('http').createServer((q,r)=>setTimeout(()=>r.end(process.env.V),20)).listen(process.env.PORT,'127.0.0.1');process.on('SIGTERM',()=>{s.close(()=>process.exit(0));s.closeIdleConnections()})`;
const strategies = {
  'blue-green': '{type: blue-green, blue-green: {ports: {http: {blue: auto, green: auto}}, healthy_duration: 100ms, timeout: 30s}}',
  rolling: '{type: rolling, rolling: {ports: {http: auto}}}',
} as const;
/** HIVE_DEPLOYS raises it. */
const deploys = Number(process.env['HIVE_DEPLOYS'] ?? 10);

const yaml = (rollout: string, version: number): string => `
version: "1"
services:
  web:
    runner: {type: script, script: {run: ${JSON.stringify(`exec node -e "${program}"`)}}}
    environment: {static: {V: "v${version}"}}
    rollout: ${rollout}
    proxy: {path: /}
    healthcheck: {type: http, http: {port: http, path: /}}
    instances: 2
    restart: {policy: always, delay: 50ms}
`;

/** Requests without a pause from several connections; everything but a whole 200 is a failure. */
class Load {
  readonly failures: string[] = [];
  answered = 0;
  private stopped = false;
  private readonly loops: Promise<void>[];
  private readonly agent = new Agent({ keepAlive: true });

  constructor(private readonly port: number, connections: number) {
    this.loops = Array.from({ length: connections }, () => this.loop());
  }

  async stop(): Promise<void> {
    this.stopped = true;
    await Promise.all(this.loops);
    this.agent.destroy();
  }

  private async loop(): Promise<void> {
    while (!this.stopped) {
      const outcome = await this.ask();
      if (outcome === null) this.answered += 1;
      else this.failures.push(outcome);
    }
  }

  private ask(): Promise<string | null> {
    return new Promise((resolve) => {
      const asked = request({ host: '127.0.0.1', port: this.port, path: '/', agent: this.agent }, (response) => {
        let body = '';
        response.on('data', (chunk: Buffer) => { body += chunk.toString(); });
        response.on('end', () => resolve(response.statusCode === 200 && /^v\d+$/.test(body) ? null : `${response.statusCode} ${body.slice(0, 200)}`));
        response.on('error', (error) => resolve(`cut off: ${error.message}`));
      });
      asked.on('error', (error) => resolve(error.message));
      asked.end();
    });
  }
}

describe('promise 14: deploys drop nothing', () => {
  let hive: TestHive;
  let load: Load | null = null;
  afterEach(async () => {
    await load?.stop();
    load = null;
    await hive.end();
  });

  async function start(rollout: string): Promise<{ folder: string; port: number }> {
    hive = new TestHive();
    const port = 20_000 + (process.pid % 10_000) + 10_000;
    writeFileSync(join(hive.home, 'hive.yaml'), `version: "1"\nproxy: {bind: ["127.0.0.1:${port}"]}\nservices: {}\n`);
    await hive.start();
    const folder = await hive.addSource('app', yaml(rollout, 0));
    await hive.client.startSource({ name: 'app' });
    await hive.serviceWhen('app:web', ({ healthy }) => healthy === true);
    await until(async () => ((await hive.client.status()).proxy.length > 0 ? true : undefined), 'the proxy to listen');
    return { folder, port };
  }

  async function deploy(folder: string, rollout: string, version: number): Promise<void> {
    const before = (await hive.service('app:web')).specHash;
    writeFileSync(join(folder, '.adi/hive.yaml'), yaml(rollout, version));
    await hive.serviceWhen('app:web', ({ specHash }) => specHash !== before);
    await hive.client.waitForService({ fqn: 'app:web', for: 'deployed', timeoutMs: 60_000 }, { deadlineMs: 65_000 });
  }

  it.each(['blue-green', 'rolling'] as const)(`${deploys} deploys (%s) under load`, async (strategy) => {
    const { folder, port } = await start(strategies[strategy]);
    load = new Load(port, 8);
    for (let version = 1; version <= deploys; version += 1) await deploy(folder, strategies[strategy], version);
    await load.stop();
    expect(load.failures).toEqual([]);
    expect(load.answered).toBeGreaterThan(100);
  }, 180_000);

  it('the daemon is killed again and again meanwhile', async () => {
    const { folder, port } = await start(strategies['blue-green']);
    load = new Load(port, 8);
    for (let version = 1; version <= Math.ceil(deploys / 3); version += 1) {
      writeFileSync(join(folder, '.adi/hive.yaml'), yaml(strategies['blue-green'], version));
      await hive.serviceWhen('app:web', ({ rollout }) => rollout.phase !== undefined);
      await hive.restartAfterKill();
      await until(async () => ((await hive.client.status()).proxy.length > 0 ? true : undefined), 'the proxy to be back');
      await hive.client.waitForService({ fqn: 'app:web', for: 'deployed', timeoutMs: 60_000 }, { deadlineMs: 65_000 });
      await hive.serviceWhen('app:web', ({ healthy, instances }) => healthy === true && instances.length === 2);
    }
    await load.stop();
    expect(load.failures).toEqual([]);
    expect(load.answered).toBeGreaterThan(100);
  }, 180_000);
});

import { afterEach, describe, expect, it } from '@jest/globals';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DaemonClient } from '../../shared/client/index.js';
import type { RouteTable, Service } from '../../shared/protocol/results.js';
import { freePort } from '../support/free-port.js';
import { TestHive } from '../support/test-hive.js';
import { until } from '../support/until.js';

/** Answers its version; a version `bad` answers 500 to its health check, `dies` ends at once. */
const program = `require('http').createServer((q,s)=>{s.statusCode=process.env.V==='bad'?500:200;s.end(process.env.V+' '+process.env.HIVE_INSTANCE)}).listen(process.env.PORT,'127.0.0.1');if(process.env.V==='dies')process.exit(4)`;

function yaml(rollout: string, version: string, instances = 1): string {
  return `
version: "1"
services:
  web:
    runner: {type: script, script: {run: ${JSON.stringify(`exec node -e "${program}"`)}}}
    environment: {static: {V: "${version}"}}
    rollout: ${rollout}
    proxy: {host: web.test, path: /}
    healthcheck: {type: http, http: {port: http, path: /, interval: 1s}}
    instances: ${instances}
    restart: {policy: always, delay: 50ms}
    stop: {grace: 2s}
`;
}

const blueGreen = '{type: blue-green, blue-green: {ports: {http: {blue: auto, green: auto}}, healthy_duration: 300ms, timeout: 10s}}';
const rolling = '{type: rolling, rolling: {ports: {http: auto}}}';

describe('rollouts', () => {
  let hive: TestHive;
  let folder: string;
  afterEach(() => hive.end());

  async function start(rollout: string, instances = 1): Promise<Service> {
    hive = new TestHive();
    writeFileSync(join(hive.home, 'hive.yaml'), `version: "1"\nproxy: {bind: ["127.0.0.1:${await freePort()}"]}\nservices: {}\n`);
    await hive.start();
    folder = await hive.addSource('app', yaml(rollout, 'one', instances));
    await hive.client.startSource({ name: 'app' });
    return hive.serviceWhen('app:web', ({ state, healthy }) => state === 'running' && healthy === true);
  }

  const deploy = async (version: string, rollout: string, instances = 1): Promise<void> => {
    writeFileSync(join(folder, '.adi/hive.yaml'), yaml(rollout, version, instances));
    await hive.client.reloadSource({ name: 'app' }).catch(() => undefined);
    await until(async () => ((await types()).includes('rollout.started') ? true : undefined), 'the rollout to start');
  };
  const types = async (): Promise<string[]> => (await hive.client.listEvents({ types: ['rollout.*'] })).events.map(({ type }) => String(type));
  const deployed = (): Promise<Service> => hive.client.waitForService({ fqn: 'app:web', for: 'deployed', timeoutMs: 30_000 });
  const endpoints = async (): Promise<string[]> => {
    const { routes } = await hive.client.getRoutes();
    return Promise.all((routes[0]?.endpoints ?? []).map(async ({ port }) => (await fetch(`http://127.0.0.1:${port}/`)).text()));
  };

  it('blue-green brings the other colour, switches, and takes the old one away', async () => {
    const before = await start(blueGreen);
    expect(await endpoints()).toEqual(['one 1']);
    await deploy('two', blueGreen);
    const after = await deployed();
    expect(await endpoints()).toEqual(['two 2']);
    expect(after.rollout).toMatchObject({ type: 'blue-green', color: 'green' });
    expect(after.instances.map(({ id }) => id)).toEqual(['app:web#2']);
    expect(after.ports['http']).not.toBe(before.ports['http']);
    expect(await types()).toEqual(['rollout.started', 'rollout.switched', 'rollout.finished']);
    // With an unchanged spec, a deploy restarts onto the other colour.
    await hive.client.deployService({ fqn: 'app:web' });
    expect((await deployed()).rollout.color).toBe('blue');
    expect(await endpoints()).toEqual(['two 1']);
  });

  it.each(['bad', 'dies'])('a new version that is %s leaves the old one serving, and says at which step and why', async (version) => {
    const before = await start(blueGreen.replace('timeout: 10s', 'timeout: 2s'));
    await deploy(version, blueGreen.replace('timeout: 10s', 'timeout: 2s'));
    await expect(deployed()).rejects.toMatchObject({ code: 'SERVICE_FAILED', message: expect.stringMatching(/waiting for #2 to be healthy/) });
    expect(await endpoints()).toEqual(['one 1']);
    const after = await hive.service('app:web');
    expect(after.instances).toMatchObject([{ id: 'app:web#1', pid: before.instances[0]?.pid }]);
    expect(after.rollout.phase).toMatch(/^failed while waiting for #2/);
    expect(await types()).toEqual(['rollout.started', 'rollout.failed']);
    // The old one still runs its own version when it crashes.
    process.kill(before.instances[0]?.pid ?? 0, 'SIGKILL');
    await hive.serviceWhen('app:web', ({ restarts, healthy }) => restarts === 1 && healthy === true);
    expect(await endpoints()).toEqual(['one 1']);
  });

  it('a deploy that is asked for while the same one is under way joins it', async () => {
    const patient = blueGreen.replace('300ms', '1s');
    await start(patient);
    await deploy('two', patient);
    await hive.client.deployService({ fqn: 'app:web' });
    await deployed();
    expect(await endpoints()).toEqual(['two 2']);
    expect(await types()).toEqual(['rollout.started', 'rollout.switched', 'rollout.finished']);
  });

  it('a proxy that refuses the switch fails the deploy, which leaves only what served, and the next deploy works', async () => {
    const before = await start(blueGreen);
    const proxy = await DaemonClient.connect({ home: hive.home });
    // It likes only tables with the first instance.
    const judge = ({ version, routes }: RouteTable): void => {
      const isLiked = routes.some(({ endpoints }) => endpoints.some(({ id }) => id.startsWith('app:web#1/')));
      void (isLiked ? proxy.ackRoutes({ version, draining: [] }) : proxy.nackRoutes({ version, reason: 'it does not like it' })).catch(() => undefined);
    };
    proxy.onRoutes(judge);
    judge(await proxy.subscribeRoutes({}));
    await deploy('two', blueGreen);
    await expect(deployed()).rejects.toMatchObject({ message: expect.stringMatching(/it does not like it/) });
    const after = await hive.serviceWhen('app:web', ({ instances }) => instances.length === 1);
    expect(after.instances).toMatchObject([{ id: 'app:web#1', pid: before.instances[0]?.pid }]);
    await proxy.unsubscribeRoutes();
    proxy.close();
    await hive.client.deployService({ fqn: 'app:web' });
    await deployed();
    expect(await endpoints()).toEqual(['two 2']);
  });

  it('rolling replaces instances one by one and never serves with fewer', async () => {
    await start(rolling, 3);
    let fewest = 3;
    let watching = true;
    const watch = (async () => {
      while (watching) fewest = Math.min(fewest, (await hive.client.getRoutes()).routes[0]?.endpoints.length ?? 0);
    })();
    await deploy('two', rolling, 3);
    const after = await deployed();
    watching = false;
    await watch;
    expect(fewest).toBe(3);
    expect((await endpoints()).sort()).toEqual(['two 4', 'two 5', 'two 6']);
    expect(after.instances).toHaveLength(3);
  });

  it('a daemon that is killed at each step is followed by one that goes on with it', async () => {
    await start(blueGreen);
    const phases = ['starting #', 'to be healthy', 'stay healthy', 'sending requests', 'draining and stopping'];
    let version = 0;
    for (const phase of phases) {
      version += 1;
      const seen = (await types()).length;
      writeFileSync(join(folder, '.adi/hive.yaml'), yaml(blueGreen, `v${version}`));
      // Steps can be short: kill at the first look that finds this one or a later one.
      await until(async () => {
        const { rollout } = await hive.service('app:web');
        const reached = phases.findIndex((one) => rollout.phase?.includes(one));
        return reached >= phases.indexOf(phase) || ((await types()).length > seen && rollout.phase === undefined) ? true : undefined;
      }, `the step ${phase}`);
      await hive.restartAfterKill();
      await deployed();
      const serving = await endpoints();
      expect(serving).toHaveLength(1);
      expect(serving[0]).toMatch(new RegExp(`^v${version} `));
      const service = await hive.serviceWhen('app:web', ({ instances }) => instances.length === 1);
      expect(service.healthy).toBe(true);
    }
  });

  it('a stop during a deploy wins', async () => {
    await start(blueGreen.replace('300ms', '60s'));
    await deploy('two', blueGreen.replace('300ms', '60s'));
    await hive.serviceWhen('app:web', ({ rollout }) => rollout.phase?.includes('stay healthy') === true);
    await hive.client.stopService({ fqn: 'app:web' });
    const stopped = await hive.serviceWhen('app:web', ({ state, instances }) => state === 'stopped' && instances.length === 1);
    expect(stopped.instances[0]?.id).toBe('app:web#1');
    await hive.client.startService({ fqn: 'app:web' });
    await hive.serviceWhen('app:web', ({ healthy }) => healthy === true);
    expect(await endpoints()).toEqual(['two 1']);
  });
});

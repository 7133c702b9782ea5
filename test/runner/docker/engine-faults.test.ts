import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from '@jest/globals';
import type { Service } from '../../../shared/protocol/results.js';
import { DockerEngine } from '../../support/engines/docker-engine.js';
import { describeWithEngine } from '../../support/engines/engine.js';
import { TestHive } from '../../support/test-hive.js';
import { until } from '../../support/until.js';

const forever = 'while :; do sleep 0.1; done';
const script = { runner: { type: 'script', script: { run: 'echo up; while :; do sleep 0.1; done' } }, stop: { grace: '300ms' } };

describeWithEngine('docker', 'an engine that fails', () => {
  let engine: DockerEngine;
  let hive: TestHive;
  beforeAll(async () => { engine = await DockerEngine.start(); });
  afterAll(() => engine.end());
  beforeEach(async () => {
    engine.thaw();
    hive = new TestHive();
    writeFileSync(join(hive.home, 'hive.yaml'), JSON.stringify({ version: '1', proxy: { bind: ['127.0.0.1:0'] }, services: {} }));
    await hive.start();
  });
  afterEach(() => hive.end());

  const container = (program: string, more: Record<string, unknown> = {}) => ({
    runner: { type: 'docker', docker: { image: engine.image, command: ['sh', '-c', program], socket: engine.socket } }, stop: { grace: '300ms' }, ...more,
  });
  const add = async (services: Record<string, unknown>): Promise<void> => {
    await hive.addSource('app', JSON.stringify({ version: '1', services }));
    await hive.client.startSource({ name: 'app' });
  };
  const all = async (): Promise<Service[]> => (await hive.client.listServices({ source: 'app' })).services;
  const allAre = (condition: (service: Service) => boolean, what: string, withinMs = 30_000) =>
    until(async () => { const services = await all(); return services.every(condition) ? services : undefined; }, what, withinMs);
  const running = ({ state }: Service): boolean => state === 'running';
  const ours = () => engine.inspectAll().filter(({ labels }) => labels['hive.home'] === readFileSync(join(hive.home, 'run/.home-id'), 'utf8').trim());

  it('is killed and started again under 20 services: each is restarted as its policy says, with the right reason', async () => {
    await add(Object.fromEntries(Array.from({ length: 20 }, (_, index) => [`s${index}`, container(`trap "exit 3" TERM; ${forever}`, { restart: index % 2 === 0 ? 'always' : 'never' })])));
    await allAre(running, '20 containers to run');
    await engine.kill();
    const away = await allAre(({ reason }) => reason.includes('ENGINE_UNAVAILABLE: docker does not answer at'), 'everybody to hear of it');
    expect(away.map(({ state }) => state)).toEqual(away.map(() => 'running'));
    await engine.restart();
    const isAlways = ({ name }: Service): boolean => Number(name.slice(1)) % 2 === 0;
    const after = await allAre((service) => !service.reason.includes('ENGINE_UNAVAILABLE') && (isAlways(service) ? running(service) && service.restarts === 1 : service.state === 'failed'), 'everybody to be settled');
    for (const { instances } of after) expect(instances[0]?.lastExit).toMatchObject({ code: 3 });
    expect(after.filter((service) => !isAlways(service)).map(({ reason }) => reason)).toEqual(Array.from({ length: 10 }, () => 'it exited with code 3; its restart policy is never'));
    await until(() => (ours().length === 10 ? true : undefined), 'one container for each that runs');
  });

  it('is killed and started again while its containers run on: all are adopted, and their logs go on', async () => {
    await add(Object.fromEntries(Array.from({ length: 5 }, (_, index) => [`s${index}`, container('i=0; while :; do i=$((i+1)); echo "line $i"; sleep 0.05; done', { restart: 'always' })])));
    const before = await allAre(running, '5 containers to run');
    await engine.kill();
    await allAre(({ reason }) => reason.includes('ENGINE_UNAVAILABLE'), 'everybody to hear of it');
    await engine.restart({ liveRestore: true });
    const after = await allAre(({ reason }) => reason === 'it runs', 'everybody to be known to run');
    expect(after.map(({ instances, restarts }) => ({ container: instances[0]?.containerId, restarts }))).toEqual(before.map(({ instances }) => ({ container: instances[0]?.containerId, restarts: 0 })));
    const count = async () => (await hive.client.getLogs({ fqn: 'app:s0', lines: 10_000 })).lines.map(({ message }) => message);
    const had = (await count()).length;
    await until(async () => ((await count()).length > had + 5 ? true : undefined), 'the log to go on');
    expect(await count()).toEqual((await count()).map((_, index) => `line ${index + 1}`));
  });

  it('is away when the daemon comes up: nothing is taken as gone or launched twice, scripts run, and all goes on when it is back', async () => {
    await add({ web: container(forever, { restart: 'always' }), short: container('sleep 1; exit 6', { restart: 'never' }), plain: script });
    const [before] = (await allAre(running, 'all to run')).filter(({ name }) => name === 'web');
    await hive.kill();
    engine.freeze();
    const began = performance.now();
    await hive.start();
    expect(performance.now() - began).toBeLessThan(5_000);
    await hive.serviceWhen('app:plain', running, 2_000);
    const web = await hive.serviceWhen('app:web', ({ reason }) => reason.includes('ENGINE_UNAVAILABLE'));
    expect(web).toMatchObject({ state: 'waiting', reason: expect.stringMatching(/docker does not answer at .*start it with: systemctl start docker/) as unknown });
    // What is wanted meanwhile is done as soon as it is known what lives.
    await expect(hive.client.waitForService({ fqn: 'app:web', for: 'healthy', timeoutMs: 10_000 })).rejects.toMatchObject({ code: 'ENGINE_UNAVAILABLE' });
    engine.thaw();
    const after = await hive.serviceWhen('app:web', running);
    expect(after.instances[0]?.containerId).toBe(before?.instances[0]?.containerId);
    expect((await hive.serviceWhen('app:short', ({ state }) => state === 'failed')).instances[0]?.lastExit).toMatchObject({ code: 6 });
    expect(ours().filter(({ labels }) => labels['hive.service'] === 'app:web')).toHaveLength(1);
  });

  it('hangs: others are not slowed, stops wait for it and are done when it goes on', async () => {
    await add({ web: container(forever, { restart: 'always' }), plain: script });
    await allAre(running, 'both to run');
    engine.freeze();
    await hive.client.stopService({ fqn: 'app:web' });
    await hive.client.restartService({ fqn: 'app:plain' });
    await hive.serviceWhen('app:plain', (one) => running(one) && one.instances[0]?.lastExit !== undefined, 3_000);
    expect((await hive.service('app:web')).state).toBe('stopping');
    engine.thaw();
    await hive.serviceWhen('app:web', ({ state }) => state === 'stopped');
    await until(() => (ours().length === 0 ? true : undefined), 'nothing to be left');
  });

  it('was never there: the service waits and says what to do, and starts by itself', async () => {
    await engine.kill();
    await hive.addSource('app', JSON.stringify({ version: '1', services: { web: container(forever), plain: script } }));
    await hive.client.startSource({ name: 'app' });
    await hive.serviceWhen('app:plain', running);
    await hive.serviceWhen('app:web', ({ state, reason }) => state === 'waiting' && reason.startsWith(`ENGINE_UNAVAILABLE: docker does not answer at ${engine.socket} (ECONNREFUSED); start it with: `));
    await engine.restart();
    await hive.serviceWhen('app:web', running);
  });

  it('outlives 20 killed daemons in the middle of starts, stops and deploys: no duplicate, no orphan, adopted within 2 s', async () => {
    const check = { healthcheck: { type: 'tcp', tcp: { port: 'http', interval: '100ms' } }, rollout: { type: 'rolling', rolling: { ports: { http: 'auto' } } }, restart: 'always' };
    const web = { ...container('exec httpd -f -p 80'), ...check };
    const services = {
      ...Object.fromEntries(['a', 'b', 'c'].map((name) => [name, container(forever, { restart: 'always' })])),
      web: { ...web, runner: { type: 'docker', docker: { ...web.runner.docker, ports: ['127.0.0.1:{{runtime.port.http}}:80'] } } },
    };
    await add(services);
    const slowest: number[] = [];
    for (let kills = 0; kills < 20; kills += 1) {
      const orders = [
        hive.client.startSource({ name: 'app' }), hive.client.stopService({ fqn: 'app:a' }), hive.client.restartService({ fqn: 'app:b' }),
        hive.client.startService({ fqn: 'app:c' }), hive.client.deployService({ fqn: 'app:web' }),
      ];
      await new Promise((resolve) => setTimeout(resolve, (kills * 37) % 400));
      await hive.kill();
      await Promise.allSettled(orders);
      await hive.start();
      slowest.push(hive.readyAfterMs());
      const seen = ours().map(({ labels }) => `${labels['hive.service']}#${labels['hive.instance']}`);
      expect(seen.filter((one, index) => seen.indexOf(one) !== index)).toEqual([]);
    }
    await hive.client.startSource({ name: 'app' });
    await hive.client.waitForService({ fqn: 'app:web', for: 'deployed', timeoutMs: 30_000 }, { deadlineMs: 35_000 }).catch(() => undefined);
    await allAre(running, 'all to run');
    await until(() => (ours().filter(({ state }) => state === 'running').length === 4 && ours().length === 4 ? true : undefined), 'exactly one container each');
    console.log(`Ready after a kill: ${Math.round(Math.max(...slowest))} ms at most, ${Math.round(slowest.sort((a, b) => a - b)[10] ?? 0)} ms in the median`);
    expect(Math.max(...slowest)).toBeLessThan(2_000);
  });
});

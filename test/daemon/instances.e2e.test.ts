import { afterEach, describe, expect, it } from '@jest/globals';
import { TestHive } from '../support/test-hive.js';
import { servicesInProc } from '../support/services-in-proc.js';
import { until } from '../support/until.js';

const server = `exec node -e "require('http').createServer((q,s)=>s.end(process.env.HIVE_INSTANCE+' '+process.env.PORT)).listen(process.env.PORT,'127.0.0.1')"`;
const yaml = (instances: number): string => `
version: "1"
services:
  web:
    runner:
      type: script
      script:
        run: ${JSON.stringify(server)}
    rollout: {type: recreate, recreate: {ports: {http: auto}}}
    healthcheck: {type: http, http: {port: http, path: /}}
    instances: ${instances}
    restart: {policy: always, delay: 50ms}
`;

/** Takes its time to stop, so that a daemon can be killed meanwhile. */
const slow = (instances: number): string => yaml(instances).replace('{type: recreate, recreate:', '{type: rolling, rolling:').replace('exec node -e "', `exec node -e "process.on('SIGTERM',()=>setTimeout(()=>process.exit(0),1500));`.replaceAll('"', '\\"'));

describe('instances', () => {
  let hive: TestHive;
  afterEach(() => hive.end());

  const running = (count: number) => hive.serviceWhen('many:web', ({ instances }) => instances.length === count && instances.every(({ state, healthy }) => state === 'running' && healthy === true));

  it('run as many times as the configuration says, each with a port of its own', async () => {
    hive = await TestHive.started();
    await hive.addSource('many', yaml(3));
    await hive.client.startSource({ name: 'many' });
    const service = await running(3);
    expect(new Set(service.instances.map(({ ports }) => ports['http'])).size).toBe(3);
    for (const { id, ports } of service.instances) {
      const answer = await (await fetch(`http://127.0.0.1:${ports['http']}/`)).text();
      expect(answer).toBe(`${id.split('#')[1]} ${ports['http']}`);
    }
  });

  it('are scaled up and down, durably, and keep their pids and ports', async () => {
    hive = await TestHive.started();
    await hive.addSource('many', yaml(1));
    await hive.client.startSource({ name: 'many' });
    const before = (await running(1)).instances[0];
    await hive.client.scaleService({ fqn: 'many:web', instances: 4 });
    const scaled = await running(4);
    expect(scaled.instances[0]).toMatchObject({ pid: before?.pid, ports: before?.ports });

    await hive.restartAfterKill();
    const adopted = await running(4);
    expect(adopted.instances.map(({ pid, ports }) => ({ pid, ports }))).toEqual(scaled.instances.map(({ pid, ports }) => ({ pid, ports })));

    await hive.client.scaleService({ fqn: 'many:web', instances: 2 });
    const fewer = await running(2);
    expect(fewer.instances.map(({ pid }) => pid)).toEqual(scaled.instances.slice(0, 2).map(({ pid }) => pid));
    const { events } = await hive.client.listEvents({ types: ['service.scaled'] });
    expect(events).toMatchObject([{ from: 1, to: 4 }, { from: 4, to: 2 }]);
  });

  it('that are too many go, also when the daemon that was to stop them is killed', async () => {
    hive = await TestHive.started();
    await hive.addSource('many', slow(3));
    await hive.client.startSource({ name: 'many' });
    const before = await running(3);
    await hive.client.scaleService({ fqn: 'many:web', instances: 1 });
    await hive.restartAfterKill();
    const after = await running(1);
    expect(after.instances[0]?.pid).toBe(before.instances[0]?.pid);
    await until(() => (servicesInProc(hive.home).doubled.length === 0 ? true : undefined), 'the others to be gone');
  });

  it('of an earlier deploy do not come back when they were scaled away since', async () => {
    hive = await TestHive.started();
    await hive.addSource('many', slow(3));
    await hive.client.startSource({ name: 'many' });
    await running(3);
    await hive.client.deployService({ fqn: 'many:web' });
    await hive.client.waitForService({ fqn: 'many:web', for: 'deployed', timeoutMs: 30_000 });
    await hive.client.scaleService({ fqn: 'many:web', instances: 2 });
    const before = await running(2);
    await hive.restartAfterKill();
    const after = await running(2);
    expect(after.instances.map(({ id, pid }) => [id, pid])).toEqual(before.instances.map(({ id, pid }) => [id, pid]));
    expect((await hive.client.listEvents({ types: ['service.starting'], services: ['many:web'] })).events).toHaveLength(6);
  });

  it('are scaled for a reason that the event tells, and not by somebody who has not seen the last word', async () => {
    hive = await TestHive.started();
    await hive.addSource('many', yaml(1));
    await hive.client.startSource({ name: 'many' });
    await running(1);
    await hive.client.scaleService({ fqn: 'many:web', instances: 2, reason: 'it is busy', ifInstances: 1 });
    await expect(hive.client.scaleService({ fqn: 'many:web', instances: 3, ifInstances: 1 })).rejects.toMatchObject({ code: 'CONFLICT', message: 'many:web is wanted with 2 instances by now, not with 1.' });
    // Somebody decided on the number that there is: that is told as well.
    await hive.client.scaleService({ fqn: 'many:web', instances: 2 });
    await running(2);
    const { events } = await hive.client.listEvents({ types: ['service.scaled'] });
    expect(events).toMatchObject([{ from: 1, to: 2, reason: 'it is busy', cause: { request: 'services.scale', by: 'the operator' } }, { from: 2, to: 2 }]);
    expect(events[1]).not.toHaveProperty('reason');
    // What it leads to is because of it.
    const { events: starts } = await hive.client.listEvents({ types: ['service.starting'], services: ['many:web'] });
    expect(starts.at(-1)).toMatchObject({ instance: 'many:web#2', cause: events[0]?.['seq'] });
    await hive.client.scaleService({ fqn: 'many:web', instances: 1, reason: 'it is quiet' });
    await running(1);
    const { events: ends } = await hive.client.listEvents({ types: ['service.scaled', 'service.stopped'] });
    expect(ends.slice(-2)).toMatchObject([{ type: 'service.scaled', reason: 'it is quiet' }, { type: 'service.stopped', instance: 'many:web#2', cause: ends.at(-2)?.['seq'] }]);
  });

  it('are restarted one by one when they crash, on the same port', async () => {
    hive = await TestHive.started();
    await hive.addSource('many', yaml(2));
    await hive.client.startSource({ name: 'many' });
    const [first, second] = (await running(2)).instances;
    process.kill(first?.pid ?? 0, 'SIGKILL');
    const after = await until(async () => {
      const { instances } = await hive.service('many:web');
      return instances[0]?.healthy === true && instances[0].restarts > 0 ? instances : undefined;
    }, 'the first instance to be back');
    expect(after[0]?.ports).toEqual(first?.ports);
    expect(after[1]?.pid).toBe(second?.pid);
    const { events } = await hive.client.listEvents({ types: ['service.crashed'] });
    expect(events[0]).toMatchObject({ instance: 'many:web#1', exitCode: null, signal: 'SIGKILL' });
  });

  it('are not run more than once where a port has a fixed number', async () => {
    hive = await TestHive.started();
    await hive.addSource('many', yaml(1).replace('http: auto', 'http: 28999'));
    await expect(hive.client.scaleService({ fqn: 'many:web', instances: 2 })).rejects.toMatchObject({ code: 'CONFLICT', next: expect.stringContaining('auto') });
  });
});

import { afterAll, beforeAll, expect } from '@jest/globals';
import { describeWithEngine } from '../../support/engines/engine.js';
import { swarmImage } from '../../support/engines/swarm-node.js';
import { SwarmNodes } from '../../support/engines/swarm-nodes.js';
import { conformance } from './conformance.js';
import type { Subject } from './subject.js';

const forever = 'while :; do sleep 0.1; done';

describeWithEngine('docker', 'the swarm runner', () => {
  let swarm: SwarmNodes;
  beforeAll(async () => { swarm = await SwarmNodes.start(['alone']); });
  afterAll(() => swarm.end());

  const services = (): { Spec: { Name: string; Labels: Record<string, string> } }[] => {
    const ids = swarm.manager.docker('service', 'ls', '-q').split('\n').filter((id) => id !== '');
    return ids.length === 0 ? [] : (JSON.parse(swarm.manager.docker('service', 'inspect', ...ids)) as { Spec: { Name: string; Labels: Record<string, string> } }[]);
  };
  /** The service of the swarm that a container belongs to. */
  const serviceOf = (labels: Readonly<Record<string, string>>): string => {
    const name = labels['com.docker.swarm.service.name'] ?? '';
    const own = services().find(({ Spec }) => Spec.Name === name)?.Spec.Labels ?? {};
    return `${own['hive.swarm.service'] ?? name}#${own['hive.swarm.instance'] ?? ''}`;
  };
  /** What has ended the swarm keeps as its history; once its service is gone it is swept away. */
  const containers = () => swarm.manager.inspectAll().filter(({ state, labels }) => state === 'running' || services().some(({ Spec }) => Spec.Name === labels['com.docker.swarm.service.name']));

  const subject = (): Subject => ({
    type: 'swarm',
    host: swarm.manager.plug.address,
    pidOf: (container) => swarm.manager.inspectAll().find(({ id }) => id === container)?.pid ?? 0,
    runner: (program, { http = false } = {}) => ({
      type: 'swarm', swarm: { image: swarmImage, command: ['sh', '-c', program], socket: swarm.manager.socket, ...(http ? { ports: ['{{runtime.port.http}}:80'] } : {}) },
    }),
    server: () => 'cd /tmp && echo $HIVE_INSTANCE > index.html && exec httpd -f -p 80',
    privateFile: (_hive, name) => `/tmp/${name}`,
    killed: { code: 137, signal: null },
    there: () => containers().map(({ name, state, labels }) => `${name} ${serviceOf(labels)} ${state}`),
    shownToOthers: () => JSON.stringify([containers(), services().map(({ Spec: { Name, Labels } }) => ({ Name, Labels }))]),
    own: {
      'a crash is followed by a restart, and its event has the last lines': async ({ hive, subject: own, service }) => {
        const fqn = await service(own.runner('echo going down >&2; sleep 0.3; exit 4'), { restart: { policy: 'on-failure', delay: '50ms' } });
        await hive.serviceWhen(fqn, ({ restarts }) => restarts >= 2, 30_000);
        const { events } = await hive.client.listEvents({ types: ['service.replicaEnded'], services: [fqn] });
        expect(events[0]).toMatchObject({ instance: `${fqn}#1`, node: 'alone', reason: 'exited with code 4 (task: non-zero exit (4))' });
        await hive.client.stopService({ fqn });
      },
      'a check by a command sees what the service sees': async ({ hive, subject: own, service }) => {
        const fqn = await service(own.runner(`sleep 0.5; touch /tmp/ready; ${forever}`), { healthcheck: { type: 'cmd', cmd: { command: 'test -e /tmp/ready', interval: '100ms', retries: 100 } }, stop: { grace: '300ms' } });
        await hive.serviceWhen(fqn, ({ healthy, instances }) => healthy === true && instances[0]?.healthy === true);
      },
      'a check by a command that does not end is killed, and fails': async ({ hive, subject: own, service }) => {
        const fqn = await service(own.runner(forever), { restart: { policy: 'always', delay: '50ms' }, stop: { grace: '300ms' }, healthcheck: { type: 'cmd', cmd: { command: 'exec sleep 4711', interval: '100ms', timeout: '300ms', retries: 1 } } });
        await hive.serviceWhen(fqn, ({ reason }) => /unhealthy|starting/.test(reason), 30_000);
        expect((await hive.service(fqn)).healthy).not.toBe(true);
        await hive.client.stopService({ fqn });
        await hive.serviceWhen(fqn, ({ state }) => state === 'stopped', 30_000);
      },
    },
  });
  conformance('swarm', subject);
});

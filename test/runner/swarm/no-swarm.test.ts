import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { checkSwarm } from '../../../hivectl/doctor/check-swarm.js';
import { describeWithEngine } from '../../support/engines/engine.js';
import { swarmImage } from '../../support/engines/swarm-node.js';
import { SwarmNodes } from '../../support/engines/swarm-nodes.js';
import { TestHive } from '../../support/test-hive.js';
import { until } from '../../support/until.js';

const fqn = 'default:web';

describeWithEngine('docker', 'an engine without a swarm', () => {
  let machines: SwarmNodes;
  let hive: TestHive;
  beforeAll(async () => {
    machines = await SwarmNodes.start(['alone'], false);
    hive = new TestHive();
    const { socket } = machines.manager;
    writeFileSync(join(hive.home, 'hive.yaml'), JSON.stringify({
      version: '1',
      services: {
        web: {
          runner: { type: 'swarm', swarm: { image: swarmImage, socket, secrets: ['web-key'], command: ['sh', '-c', 'echo "key $(cat /run/secrets/web-key) says {{literal}} $WORD"; while :; do sleep 0.1; done'.replace('{{', '{{{').replace('}}', '}}}')] } },
          environment: { static: { WORD: 'a {{{.Task.Slot}}} b' } },
          limits: { memory: '64MB', cpu: 0.5 },
          restart: 'never', stop: { grace: '300ms' },
        },
        gone: { runner: { type: 'swarm', swarm: { image: '127.0.0.1:9/no/such:1', socket } }, restart: 'never' },
      },
    }));
    await hive.start();
  }, 60_000);
  afterAll(async () => {
    await hive.end();
    await machines.end();
  }, 60_000);

  it('makes services wait and says how to make a swarm, to doctor too; they start by themselves once there is one', async () => {
    const { socket } = machines.manager;
    const waiting = await hive.serviceWhen(fqn, ({ reason }) => reason.includes('swarm init'));
    expect(waiting).toMatchObject({ state: 'waiting', reason: `ENGINE_UNAVAILABLE: docker at ${socket} is part of no swarm; start it with: docker swarm init` });
    expect(await checkSwarm([waiting], socket)).toEqual([{ level: 'error', what: `docker at ${socket} is part of no swarm, and ${fqn} cannot run without one.`, mend: 'docker swarm init' }]);
    expect(await checkSwarm([], socket)).toMatchObject([{ level: 'note', mend: 'docker swarm init' }]);
    machines.form();
    expect(await checkSwarm([waiting], socket)).toEqual([{ level: 'fine', what: 'docker manages a swarm of 1 node' }]);
    const failed = await hive.serviceWhen(fqn, ({ state }) => state === 'failed');
    expect(failed.reason).toContain('The swarm has no secret web-key');
  });

  it('gives tasks secrets as files, limits, and values as they are', async () => {
    execFileSync('docker', ['-H', `unix://${machines.manager.socket}`, 'secret', 'create', 'web-key', '-'], { input: 's3cret' });
    await hive.client.startService({ fqn });
    const { instances } = await hive.serviceWhen(fqn, ({ state }) => state === 'running');
    const line = await until(async () => (await hive.client.getLogs({ fqn, lines: 5 })).lines.at(-1)?.message, 'its first line');
    expect(line).toBe('key s3cret says {{literal}} a {{.Task.Slot}} b');
    const [{ HostConfig }] = JSON.parse(machines.manager.docker('inspect', instances[0]?.containerId ?? '')) as [{ HostConfig: { Memory: number; NanoCpus: number } }];
    expect(HostConfig).toMatchObject({ Memory: 64 * 1_024 * 1_024, NanoCpus: 500_000_000 });
  });

  it('says of an image that no node can have what it is', async () => {
    await hive.client.startService({ fqn: 'default:gone' });
    const { reason } = await hive.serviceWhen('default:gone', ({ state }) => state === 'failed', 30_000);
    expect(reason).toContain('The image 127.0.0.1:9/no/such:1 cannot be had by the nodes of the swarm');
  });
});

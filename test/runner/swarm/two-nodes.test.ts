import { writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { describeWithEngine } from '../../support/engines/engine.js';
import { swarmImage } from '../../support/engines/swarm-node.js';
import { SwarmNodes } from '../../support/engines/swarm-nodes.js';
import { freePort } from '../../support/free-port.js';
import { TestHive } from '../../support/test-hive.js';
import { until } from '../../support/until.js';

const fqn = 'default:web';
/** A check a node that is lost may fail, each at most so long, before its replicas are left out. */
const healthMs = 2 * (300 + 300) + 300;

describeWithEngine('docker', 'a swarm of two nodes', () => {
  let swarm: SwarmNodes;
  let hive: TestHive;
  let port: number;

  const config = (word: string) => ({
    version: '1',
    proxy: { bind: [`127.0.0.1:${port}`] },
    services: {
      web: {
        runner: {
          type: 'swarm',
          swarm: {
            image: swarmImage, socket: swarm.manager.socket, ports: ['{{runtime.port.http}}:80'],
            command: ['sh', '-c', `trap 'exit 0' TERM; mkdir /www; echo ${word} $(cat /etc/hostname) > /www/index.html; echo serving; ${word === 'broken' ? 'exit 3' : 'httpd -f -p 80 -h /www & wait'}`],
          },
        },
        instances: 4, restart: { policy: 'always', delay: '100ms' },
        rollout: { type: 'rolling', rolling: { ports: { http: 'auto' }, max_surge: 2 } },
        proxy: { path: '/' },
        healthcheck: { type: 'http', http: { port: 'http', path: '/' }, interval: '300ms', timeout: '300ms', retries: 2 },
      },
    },
  });
  const write = (word: string): void => writeFileSync(join(hive.home, 'hive.yaml'), JSON.stringify(config(word)));
  const healthyReplicas = (wanted: number) => hive.serviceWhen(fqn, ({ healthy, instances }) => healthy === true && instances.length === wanted && instances.every((one) => one.healthy === true), 30_000);
  const nodesOf = async () => [...new Set((await hive.service(fqn)).instances.map(({ node }) => node))].sort();
  const story = async (type: 'service.replicaStarted' | 'service.replicaEnded') => (await hive.client.listEvents({ types: [type], services: [fqn] })).events as unknown as { instance: string; node: string; reason?: string }[];

  beforeAll(async () => {
    [swarm, port] = await Promise.all([SwarmNodes.start(['alpha', 'beta']), freePort()]);
    hive = new TestHive();
    write('hello');
    await hive.start();
  }, 60_000);
  afterAll(async () => {
    await hive.end();
    await swarm.end();
  }, 60_000);

  it('runs four replicas on both nodes, and its proxy sends requests to all of them', async () => {
    await healthyReplicas(4);
    expect(await nodesOf()).toEqual(['alpha', 'beta']);
    const answers = new Set<string>();
    await until(async () => {
      await Promise.all(Array.from({ length: 8 }, async () => answers.add((await get(port)).body)));
      return answers.size === 4 ? true : undefined;
    }, 'an answer of each replica');
    await until(async () => ((await hive.client.getLogs({ fqn, lines: 50 })).lines.filter(({ message }) => message === 'serving').length === 4 ? true : undefined), 'the log of each replica');
  });

  it('is adopted by the next daemon as it is', async () => {
    const before = (await hive.service(fqn)).instances.map(({ containerId }) => containerId);
    await hive.restartAfterKill();
    const { instances } = await healthyReplicas(4);
    expect(instances.map(({ containerId }) => containerId)).toEqual(before);
    expect(hive.readyAfterMs()).toBeLessThan(2_000);
    expect((await hive.client.getLogs({ fqn, lines: 50 })).lines.filter(({ message }) => message === 'serving')).toHaveLength(4);
  });

  it('is replaced by the swarm in a deploy without a failed request, and a deploy that fails goes back', async () => {
    const load = underLoad(port);
    write('again');
    await until(async () => ((await get(port)).body.startsWith('again') ? true : undefined), 'the new version');
    await hive.client.waitForService({ fqn, for: 'deployed', timeoutMs: 30_000 }, { deadlineMs: 35_000 });
    await healthyReplicas(4);
    expect(await load.end()).toMatchObject({ failed: [] });

    write('broken');
    const failed = await until(async () => (await hive.client.listEvents({ types: ['rollout.failed'] })).events[0], 'the deploy to fail', 40_000);
    expect(failed).toMatchObject({ service: fqn, reason: expect.stringContaining('it went back to what ran before') });
    await healthyReplicas(4);
    expect((await get(port)).body).toMatch(/^again /);
    write('again');
    await hive.serviceWhen(fqn, ({ rollout }) => rollout.phase === undefined, 30_000);
    await healthyReplicas(4);
  });

  it('survives the loss of a node: no request fails after the health interval, and four run on the other one', async () => {
    const load = underLoad(port);
    await delay(300);
    const lostAt = performance.now();
    await swarm.lose('beta');
    await hive.serviceWhen(fqn, ({ instances }) => instances.filter(({ node }) => node === 'alpha').length === 4, 40_000);
    await healthyReplicas(4);
    const healedMs = performance.now() - lostAt;
    const { answered, failed } = await load.end();
    const late = failed.filter(({ begunAt }) => begunAt > lostAt + healthMs);
    console.log(`Two nodes: ${answered} requests answered, ${failed.length} failed within ${healthMs} ms of the loss, ${late.length} after; four replicas again after ${Math.round(healedMs)} ms.`);
    expect(late).toEqual([]);
    const ended = (await story('service.replicaEnded')).filter(({ reason }) => reason?.includes('does not answer its swarm any more'));
    expect(ended.map(({ node }) => node)).toEqual(ended.map(() => 'beta'));
    expect(ended.length).toBeGreaterThan(0);
    for (const { instance } of ended) expect((await story('service.replicaStarted')).filter((one) => one.instance === instance).at(-1)).toMatchObject({ node: 'alpha' });
  });
});

function get(port: number): Promise<{ status: number; body: string }> {
  return new Promise((resolve, reject) => {
    const asked = request({ host: '127.0.0.1', port, path: '/', agent: false, timeout: 10_000 }, (answer) => {
      let body = '';
      answer.setEncoding('utf8').on('data', (text: string) => { body += text; });
      answer.once('end', () => resolve({ status: answer.statusCode ?? 0, body: body.trim() }));
      answer.once('error', reject);
    });
    asked.once('timeout', () => asked.destroy(new Error('no answer within 10 s')));
    asked.once('error', reject);
    asked.end();
  });
}

/** Four clients that ask again and again, until `end`. */
function underLoad(port: number): { end(): Promise<{ answered: number; failed: { begunAt: number; why: string }[] }> } {
  let over = false;
  let answered = 0;
  const failed: { begunAt: number; why: string }[] = [];
  const client = async (): Promise<void> => {
    while (!over) {
      const begunAt = performance.now();
      try {
        const { status } = await get(port);
        if (status === 200) answered += 1;
        else failed.push({ begunAt, why: `status ${status}` });
      } catch (error) {
        failed.push({ begunAt, why: (error as Error).message });
      }
      await delay(10);
    }
  };
  const clients = Array.from({ length: 4 }, client);
  return {
    end: async () => {
      over = true;
      await Promise.all(clients);
      return { answered, failed };
    },
  };
}

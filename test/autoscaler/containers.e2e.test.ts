import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DockerEngine } from '../support/engines/docker-engine.js';
import { describeWithEngine } from '../support/engines/engine.js';
import { TestHive } from '../support/test-hive.js';

/** Takes a core while /flag/busy is there. */
const burns = 'while :; do if [ -e /flag/busy ]; then i=0; while [ $i -lt 5000 ]; do i=$((i+1)); done; else sleep 0.1; fi; done';

describeWithEngine('docker', 'the autoscaler with containers', () => {
  let engine: DockerEngine;
  let hive: TestHive;
  beforeAll(async () => {
    engine = await DockerEngine.start();
    hive = new TestHive();
    writeFileSync(join(hive.home, 'hive.yaml'), 'version: "1"\nplugins: {autoscaler: {check_interval: 500ms, window: 2s}}\nservices: {}\n');
    await hive.start();
  }, 60_000);
  afterAll(async () => {
    await hive.end();
    await engine.end();
  }, 60_000);

  it('counts what they use, and brings as many as that takes', async () => {
    const flags = join(hive.home, 'flags');
    mkdirSync(flags);
    const busy = join(flags, 'busy');
    const work = {
      runner: { type: 'docker', docker: { image: engine.image, command: ['sh', '-c', burns], volumes: [`${flags}:/flag`] } },
      scale: { min: 1, max: 2, cpu_up: '20%', cpu_down: '10%', cooldown_up: '1s', cooldown_down: '1s' },
      stop: { grace: '300ms' },
    };
    await hive.addSource('app', JSON.stringify({ version: '1', defaults: { 'hive.runner.docker': { socket: engine.socket } }, services: { work } }));
    await hive.client.startSource({ name: 'app' });
    const running = (count: number) => hive.serviceWhen('app:work', ({ instances }) => instances.length === count && instances.every(({ state }) => state === 'running'), 60_000);
    await running(1);
    writeFileSync(busy, '');
    const scaled = await running(2);
    expect(new Set(scaled.instances.map(({ containerId }) => containerId)).size).toBe(2);
    rmSync(busy);
    await running(1);
    const { events } = await hive.client.listEvents({ types: ['service.scaled'] });
    expect(events).toMatchObject([
      { from: 1, to: 2, reason: expect.stringMatching(/^CPU is at \d+% of a core an instance, above 20%$/) as unknown, cause: { by: 'plugin autoscaler' } },
      { from: 2, to: 1, cause: { by: 'plugin autoscaler' } },
    ]);
  }, 120_000);
});

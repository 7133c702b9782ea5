import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { packageRoot } from '../../shared/package-root.js';
import { TestHive } from '../support/test-hive.js';
import { PacedLoad } from './paced-load.js';

/*
 * Records what a real service uses under real requests, for recorded-series.test.ts: `node dist/test/autoscaler/record-series.js`
 * writes test/autoscaler/recorded/*.json anew. It takes a little more than three minutes on a machine that does nothing else.
 */
const everyMs = 500;
const seconds = 60;

interface Pattern { readonly clients: number; readonly path: string; readonly pauseMs: number }
const idle: Pattern = { clients: 1, path: '/', pauseMs: 100 };
const busy: Pattern = { clients: 3, path: '/burn/20', pauseMs: 5 };
const half: Pattern = { clients: 2, path: '/burn/10', pauseMs: 25 };

/** What is asked of the service, second by second. */
const series: Record<string, (second: number) => Pattern> = {
  'up-and-down': (second) => (second >= 15 && second < 40 ? busy : idle),
  bursts: (second) => (second % 12 === 0 ? busy : idle),
  steady: () => half,
};

const yaml = `
version: "1"
services:
  web:
    runner: {type: script, script: {run: 'exec node ${join(packageRoot(), 'test/fixtures/burns-on-request.mjs')}'}}
    rollout: {type: recreate, recreate: {ports: {http: auto}}}
    healthcheck: {type: http, http: {port: http, path: /}}
`;

const hive = await TestHive.started();
try {
  await hive.addSource('app', yaml);
  await hive.client.startSource({ name: 'app' });
  const { ports } = await hive.serviceWhen('app:web', ({ healthy }) => healthy === true);
  for (const [name, patternAt] of Object.entries(series)) {
    const cpu: number[] = [];
    const load = (pattern: Pattern): PacedLoad => new PacedLoad(ports['http'] ?? 0, pattern.path, pattern.clients, pattern.pauseMs);
    let pattern = patternAt(0);
    let running = load(pattern);
    const began = performance.now();
    for (let step = 0; step < (seconds * 1_000) / everyMs; step += 1) {
      const next = patternAt(Math.floor((step * everyMs) / 1_000));
      if (next !== pattern) {
        const before = running;
        running = load((pattern = next));
        await before.stop();
      }
      await delay(began + (step + 1) * everyMs - performance.now());
      const { stats } = await hive.client.getStats({ fqn: 'app:web' });
      cpu.push(Math.round((stats[0]?.cpu ?? 0) * 1_000) / 1_000);
    }
    await running.stop();
    writeFileSync(join(packageRoot(), 'test/autoscaler/recorded', `${name}.json`), `${JSON.stringify(cpu)}\n`);
  }
} finally {
  await hive.end();
}

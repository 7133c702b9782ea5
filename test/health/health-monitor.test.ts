import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import { createServer as createTcpServer, type AddressInfo, type Server } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { HealthMonitor, monotonicMs, type HealthVerdict, type WatchedInstance } from '../../daemon/health/health-monitor.js';
import { instanceKey, type InstanceRef } from '../../daemon/runner/runner.js';
import type { HealthCheckSpec } from '../../shared/config/service-spec.js';
import { waitFor } from './wait-for.js';

const timing = { intervalMs: 50, timeoutMs: 1000, retries: 3, startPeriodMs: 0 };
const http = (over: Partial<HealthCheckSpec> = {}): HealthCheckSpec =>
  ({ type: 'http', port: 'main', path: '/', method: 'GET', status: { from: 200, to: 299 }, ...timing, ...over }) as HealthCheckSpec;
const tcp = (over: Partial<HealthCheckSpec> = {}): HealthCheckSpec => ({ type: 'tcp', port: 'main', ...timing, ...over }) as HealthCheckSpec;
const ref = (number = 1): InstanceRef => ({ source: 'default', service: 'web', number });

let told: ({ key: string; atMs: number } & HealthVerdict)[];
let monitor: HealthMonitor;
let answer: (response: ServerResponse) => void;
let requests: number;
let server: Server;
let port: number;

beforeEach(async () => {
  told = [];
  requests = 0;
  monitor = new HealthMonitor({ onVerdict: (of, verdict) => told.push({ key: instanceKey(of), atMs: monotonicMs(), ...verdict }) });
  answer = (response) => response.end('ok');
  server = createServer((_request, response) => {
    requests += 1;
    answer(response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  port = (server.address() as AddressInfo).port;
});

afterEach(async () => {
  monitor.close();
  await new Promise((resolve) => server.close(resolve));
});

function watch(checks: HealthCheckSpec[], over: Partial<WatchedInstance> = {}): void {
  monitor.watch({ ref: ref(), checks, ports: { main: port }, environment: {}, startedAtMonotonicMs: monotonicMs(), ...over });
}

const verdicts = (): (string | boolean)[] => told.map(({ healthy }) => healthy);

describe('HealthMonitor', () => {
  it('tells a change once, in both directions, with the reason', async () => {
    watch([http()]);
    await waitFor('healthy', () => told.length === 1);
    answer = (response) => response.writeHead(500).end('out of beans');
    await waitFor('unhealthy', () => told.length === 2);
    const failuresUntilThen = requests;
    await waitFor('more failures', () => requests > failuresUntilThen + 3);
    answer = (response) => response.end('ok');
    await waitFor('healthy again', () => told.length === 3);
    await waitFor('more successes', () => requests > failuresUntilThen + 8);
    expect(verdicts()).toEqual([true, false, true]);
    expect(told[1]).toMatchObject({ key: 'default:web#1', check: 'http GET / on port main', detail: `GET http://127.0.0.1:${port}/ answered 500: out of beans` });
  });

  it('finds a service that comes up long before its first interval is over', async () => {
    const late = createTcpServer();
    await new Promise<void>((resolve) => late.listen(0, '127.0.0.1', resolve));
    const latePort = (late.address() as AddressInfo).port;
    await new Promise((resolve) => late.close(resolve));
    watch([tcp({ intervalMs: 60_000 })], { ports: { main: latePort } });
    await waitFor('a refused look', () => monitor.lastFindings(ref()) === `tcp port main: connection refused on 127.0.0.1:${latePort}`);
    await new Promise<void>((resolve) => late.listen(latePort, '127.0.0.1', resolve));
    const upAtMs = monotonicMs();
    await waitFor('healthy', () => told.length === 1);
    expect(told[0]).toMatchObject({ healthy: true, detail: `127.0.0.1:${latePort} accepts connections` });
    expect((told[0]?.atMs ?? 0) - upAtMs).toBeLessThan(1000);
    await new Promise((resolve) => late.close(resolve));
  });

  it('counts failures only after the start period, then says that nobody answered', async () => {
    answer = () => undefined;
    const startedAtMonotonicMs = monotonicMs();
    watch([http({ timeoutMs: 30, startPeriodMs: 600 })], { startedAtMonotonicMs });
    await waitFor('unhealthy', () => told.length === 1);
    expect(told[0]).toMatchObject({ healthy: false, detail: `no answer to GET http://127.0.0.1:${port}/ within 30 ms` });
    expect((told[0]?.atMs ?? 0) - startedAtMonotonicMs).toBeGreaterThan(600);
  });

  it('calls a service with several checks healthy only when all pass', async () => {
    answer = (response) => response.writeHead(500).end();
    watch([tcp(), http({ intervalMs: 20, retries: 1_000_000 })]);
    await waitFor('looks', () => requests > 10);
    expect(told).toEqual([]);
    answer = (response) => response.end();
    await waitFor('healthy', () => told.length === 1);
    expect(told[0]).toMatchObject({ healthy: true, check: 'http GET / on port main' });
  });

  it('does not repeat what an earlier daemon had told', async () => {
    watch([http()], { knownHealthy: true, startedAtMonotonicMs: monotonicMs() - 1e6 });
    await waitFor('looks', () => requests > 3);
    expect(told).toEqual([]);
    answer = (response) => response.writeHead(500).end();
    await waitFor('unhealthy', () => told.length === 1);
    expect(verdicts()).toEqual([false]);
  });

  it('ignores the late answer to a look at an earlier incarnation', async () => {
    const held: ServerResponse[] = [];
    answer = (response) => held.push(response);
    watch([http({ timeoutMs: 60_000 })]);
    await waitFor('the first look', () => held.length === 1);
    watch([http({ timeoutMs: 60_000 })]);
    await waitFor('the second look', () => held.length === 2);
    held[0]?.end('from the past');
    await waitFor('the first connection to close', () => held[0]?.destroyed);
    expect(told).toEqual([]);
    held[1]?.end();
    await waitFor('healthy', () => told.length === 1);
  });

  it('says nothing after unwatch and makes no more looks', async () => {
    watch([http()]);
    await waitFor('healthy', () => told.length === 1);
    monitor.unwatch(ref());
    monitor.watch({ ref: ref(2), checks: [http()], ports: { main: port }, environment: {}, startedAtMonotonicMs: monotonicMs() });
    await waitFor('the other one', () => told.length === 2);
    const before = requests;
    answer = (response) => response.writeHead(500).end();
    await waitFor('the other one to fail', () => told.length === 3);
    expect(told.map(({ key }) => key)).toEqual(['default:web#1', 'default:web#2', 'default:web#2']);
    expect(requests).toBeGreaterThan(before);
    expect(monitor.lastFindings(ref())).toBeNull();
  });

  it('does not hold a pause of its own process against a service', async () => {
    const child = spawn(process.execPath, [join(import.meta.dirname, '../../../test/fixtures/answers-after.mjs'), '50'], { stdio: ['ignore', 'pipe', 'inherit'] });
    try {
      const lines = createInterface({ input: child.stdout });
      const [line] = (await once(lines, 'line')) as [string];
      watch([http({ timeoutMs: 200, retries: 1 })], { ports: { main: Number(line) } });
      await waitFor('healthy', () => told.length === 1);
      for (let pause = 0; pause < 3; pause += 1) {
        // Somewhere in here a look is under way: its answer is there when its timer fires.
        const until = monotonicMs() + 900;
        while (monotonicMs() < until);
        await waitFor('the next look', () => monitor.lastFindings(ref())?.includes('answered 200'));
      }
      expect(verdicts()).toEqual([true]);
    } finally {
      child.kill('SIGKILL');
    }
  });

  it('keeps 1,000 services checked at a bounded number of connections', async () => {
    let open = 0;
    let most = 0;
    const counting = createTcpServer((socket) => {
      most = Math.max(most, (open += 1));
      socket.on('error', () => undefined).on('close', () => (open -= 1)).resume();
    });
    await new Promise<void>((resolve) => counting.listen(0, '127.0.0.1', resolve));
    const countingPort = (counting.address() as AddressInfo).port;
    for (let number = 1; number <= 1000; number += 1) watch([tcp({ intervalMs: 10_000 })], { ref: ref(number), ports: { main: countingPort } });
    await waitFor('1,000 verdicts', () => told.length === 1000);
    expect(new Set(told.map(({ key }) => key)).size).toBe(1000);
    expect(verdicts().every(Boolean)).toBe(true);
    expect(most).toBeLessThanOrEqual(128);
    monitor.close();
    await new Promise((resolve) => counting.close(resolve));
  });
});

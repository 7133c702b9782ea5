import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { Agent, get } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { DaemonClient } from '../shared/client/index.js';
import { toHiveError } from '../shared/errors/index.js';
import { packageRoot } from '../shared/package-root.js';
import type { HiveEvent } from '../shared/protocol/events.js';
import { freePort } from './free-port.js';

/*
 * The example in one go: a daemon with a home of its own, the service in examples/autoscaler, requests for a while, and what the
 * autoscaler makes of them. Ctrl-C at any time; nothing is left behind.
 */
const loadMs = 25_000;
const clients = 6;
const pauseMs = 25;

async function main(): Promise<void> {
  const home = mkdtempSync(join(tmpdir(), 'hive-'));
  const port = await freePort();
  writeFileSync(join(home, 'hive.yaml'), [
    'version: "1"',
    `proxy: {bind: ["127.0.0.1:${port}"]}`,
    '# Shorter than the defaults of 30s and 60s, so that there is something to see.',
    'plugins: {autoscaler: {check_interval: 1s, window: 4s}}',
    'services: {}',
    '',
  ].join('\n'));
  const hived = spawn(process.execPath, [join(packageRoot(), 'dist/daemon/main.js'), '--home', home], {
    stdio: ['ignore', 'ignore', 'inherit'],
    env: { ...process.env, HIVE_HOME: home },
    // A group of its own: Ctrl-C reaches this program alone, which then asks the daemon to stop in order.
    detached: true,
  });
  const exited = once(hived, 'exit');
  const interrupted = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => interrupted.abort());
  try {
    const client = await connect(home, exited);
    await Promise.race([show(client, port, interrupted.signal), once(interrupted.signal, 'abort'), exited]);
    if (hived.exitCode === null) {
      say('Stopping everything.');
      await client.shutdown({}).catch(() => undefined);
    }
  } finally {
    if (hived.exitCode === null) {
      hived.kill('SIGTERM');
      await exited;
    }
    rmSync(home, { recursive: true, force: true });
  }
  say('Everything is stopped and nothing is left behind.');
}

async function show(client: DaemonClient, port: number, signal: AbortSignal): Promise<void> {
  client.onEvents((batch) => {
    for (const event of batch.events as unknown as HiveEvent[]) tell(event);
    client.acknowledgeEvents(batch);
  });
  await client.subscribeEvents({ from: 'now', types: ['service.scaled', 'service.healthChanged', 'service.stopped'] });
  await client.addSource({ path: join(packageRoot(), 'examples/autoscaler') });
  await client.startService({ source: 'autoscaler' });
  await client.waitForService({ fqn: 'autoscaler:web', for: 'healthy' }, { deadlineMs: 65_000 });
  while ((await client.status()).proxy.length === 0) await delay(100);
  say(`The service is at http://127.0.0.1:${port}/ with one instance. ${clients} clients ask it without much rest for ${loadMs / 1_000} s.`);
  const answered = await load(port, performance.now() + loadMs, signal);
  const shares = [...answered.by.entries()].sort().map(([who, count]) => `${who}: ${count}`).join(', ');
  say(`The load is over. ${answered.failed} requests failed; those answered, by instance: ${shares}.`);
  say(await explain(client));
  for (let instances = 2; instances > 1 && !signal.aborted; await delay(500, undefined, { signal }).catch(() => undefined)) {
    instances = (await client.getService({ fqn: 'autoscaler:web' })).instances.length;
  }
  say(await explain(client));
}

async function explain(client: DaemonClient): Promise<string> {
  const { verdict } = (await client.callPlugin({ plugin: 'autoscaler', method: 'explain', params: 'autoscaler:web' })) as { verdict: string };
  return `explain: ${verdict}`;
}

/** So many clients, each of which asks again shortly after it was answered. */
async function load(port: number, untilMs: number, signal: AbortSignal): Promise<{ failed: number; by: Map<string, number> }> {
  const agent = new Agent({ keepAlive: true });
  const by = new Map<string, number>();
  let failed = 0;
  await Promise.all(Array.from({ length: clients }, async () => {
    while (performance.now() < untilMs && !signal.aborted) {
      const answer = await ask(port, agent);
      if (answer === null) failed += 1;
      else by.set(answer, (by.get(answer) ?? 0) + 1);
      await delay(pauseMs);
    }
  }));
  agent.destroy();
  return { failed, by };
}

function ask(port: number, agent: Agent): Promise<string | null> {
  return new Promise((resolve) => {
    get({ host: '127.0.0.1', port, agent }, (response) => {
      let body = '';
      response.on('data', (chunk: Buffer) => { body += chunk.toString(); });
      response.on('end', () => resolve(response.statusCode === 200 ? body.trim() : null));
      response.on('error', () => resolve(null));
    }).on('error', () => resolve(null));
  });
}

function tell(event: HiveEvent): void {
  switch (event.type) {
    case 'service.scaled':
      return say(`scaled from ${event.from} to ${event.to}: ${event.reason ?? ''}`);
    case 'service.healthChanged':
      return say(`${event.instance} is ${event.healthy ? 'healthy and gets requests' : `unhealthy: ${event.detail}`}`);
    case 'service.stopped':
      return say(`${event.instance} has finished its requests and stopped`);
    default:
      return;
  }
}

async function connect(home: string, exited: Promise<unknown>): Promise<DaemonClient> {
  let gone = false;
  void exited.then(() => { gone = true; });
  for (;;) {
    try {
      return await DaemonClient.connect({ home });
    } catch (error) {
      if (gone) throw error;
      await delay(50);
    }
  }
}

function say(text: string): void {
  process.stdout.write(`${new Date().toISOString().slice(11, 19)}  ${text}\n`);
}

main().catch((thrown: unknown) => {
  const error = toHiveError(thrown);
  process.stderr.write(`${error.message}${error.next === undefined ? '' : ` ${error.next}`} [${error.code}]\n`);
  process.exitCode = 1;
});

import { once } from 'node:events';
import { join } from 'node:path';
import type { DaemonClient } from '../shared/client/index.js';
import { toHiveError } from '../shared/errors/index.js';
import { packageRoot } from '../shared/package-root.js';
import type { HiveEvent } from '../shared/protocol/events.js';
import { OwnDaemon } from './own-daemon.js';

/**
 * `npm start`: a daemon with a home of its own in the temporary folder, so that it stands beside any Hive that runs, and
 * the example stack under it. Shows what happens as it happens; Ctrl-C stops everything and leaves nothing behind.
 */
async function main(): Promise<void> {
  const daemon = new OwnDaemon();
  const interrupted = Promise.race([once(process, 'SIGINT'), once(process, 'SIGTERM')]);
  try {
    await daemon.start({ EXAMPLE_DATA: join(daemon.home, 'example-data') });
    await Promise.race([showStack(daemon.client, daemon.home), interrupted, daemon.ended()]);
    say('', 'Stopping everything.');
  } finally {
    await daemon.stop();
  }
  say('', 'Everything is stopped and nothing is left behind.');
}

async function showStack(client: DaemonClient, home: string): Promise<void> {
  say('', `A daemon runs in ${home}; look at it from another terminal with`);
  say('', `  HIVE_HOME=${home} node dist/hivectl/main.js status`);
  client.onEvents((batch) => {
    for (const event of batch.events as unknown as HiveEvent[]) tell(event);
    client.acknowledgeEvents(batch);
  });
  await client.subscribeEvents({ from: 'now', types: ['service.*', 'hook.*'] });
  await client.addSource({ path: join(packageRoot(), 'examples/stack') });
  const { services } = await client.startService({ source: 'stack' });
  await Promise.all(services.map(({ fqn }) => client.waitForService({ fqn, for: 'healthy' }, { deadlineMs: 65_000 })));
  for (const { name, ports } of (await client.listServices({ source: 'stack' })).services) {
    for (const port of Object.values(ports)) say(name, `open http://127.0.0.1:${port}/  (POST /orders places an order that the worker ships)`);
  }
  say('', 'Ctrl-C stops everything.');
  await new Promise(() => {});
}

function tell(event: HiveEvent): void {
  switch (event.type) {
    case 'service.starting':
      return say(event.service, `starting: ${event.reason}`);
    case 'service.started':
      return say(event.service, `running, pid ${event.pid}`);
    case 'service.healthChanged':
      return say(event.service, event.healthy ? `healthy (${event.check})` : `unhealthy (${event.check}): ${event.detail}`);
    case 'service.crashed':
      return say(event.service, `crashed: it ${event.reason}${event.lastLines.length === 0 ? '' : `; it wrote "${event.lastLines[0]}"`}`);
    case 'service.completed':
      return say(event.service, 'completed');
    case 'service.stopped':
      return say(event.service, 'stopped');
    case 'service.failed':
      return say(event.service, `failed: it ${event.reason}`);
    case 'hook.started':
      return say(event.service, `${event.hook} hook, step ${event.step} of ${event.steps}`);
    case 'hook.finished':
      return say(event.service, `${event.hook} hook, step ${event.step} is done after ${event.tookMs} ms`);
    case 'hook.failed':
      return say(event.service, `${event.hook} hook, step ${event.step} ${event.reason}`);
    default:
      return;
  }
}

function say(service: string, text: string): void {
  const name = service.slice(service.indexOf(':') + 1);
  process.stdout.write(`${new Date().toISOString().slice(11, 19)}  ${name.padEnd(8)} ${text}\n`);
}

main().catch((thrown: unknown) => {
  const error = toHiveError(thrown);
  process.stderr.write(`${error.message}${error.next === undefined ? '' : ` ${error.next}`} [${error.code}]\n`);
  process.exitCode = 1;
});

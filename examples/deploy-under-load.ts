import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import type { DaemonClient } from '../shared/client/index.js';
import { toHiveError } from '../shared/errors/index.js';
import { packageRoot } from '../shared/package-root.js';
import { kinds } from './deploys/load/exchanges.js';
import { Load } from './deploys/load/load.js';
import { OwnDaemon } from './own-daemon.js';
import { freePort } from './free-port.js';

const usage = `npm run deploys -- [--deploys N] [--kill]

Deploys examples/deploys again and again under load, in a Hive of its own, and counts every request, stream and WebSocket
that was not answered whole. Ends with 0 when there was none, and leaves nothing behind.

  --deploys N  how often; 10 by default
  --kill       kill the daemon with SIGKILL in the middle of every third deploy
`;

const clients = { request: 6, connection: 4, download: 3, upload: 2, events: 2, websocket: 3 };
const service = 'deploys:web';

interface Wanted { readonly deploys: number; readonly kills: boolean }

async function main(): Promise<void> {
  const wanted = readArguments();
  if (wanted === null) return;
  const daemon = new OwnDaemon();
  const interrupted = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => interrupted.abort());
  try {
    const port = await freePort();
    writeFileSync(join(daemon.home, 'hive.yaml'), `version: "1"\nproxy: {bind: ["127.0.0.1:${port}"]}\nservices: {}\n`);
    await daemon.start();
    process.exitCode = await deployUnderLoad(daemon, port, wanted, interrupted.signal);
  } finally {
    await daemon.stop();
  }
}

function readArguments(): Wanted | null {
  const { values } = parseArgs({ options: { deploys: { type: 'string' }, kill: { type: 'boolean' }, help: { type: 'boolean' } } });
  const deploys = Number(values.deploys ?? 10);
  if (values.help === true || !Number.isInteger(deploys) || deploys < 1) {
    process.stdout.write(usage);
    process.exitCode = values.help === true ? 0 : 2;
    return null;
  }
  return { deploys, kills: values.kill === true };
}

async function deployUnderLoad(daemon: OwnDaemon, port: number, { deploys, kills }: Wanted, interrupted: AbortSignal): Promise<0 | 1> {
  await daemon.client.addSource({ path: join(packageRoot(), 'examples/deploys') });
  await daemon.client.startSource({ name: 'deploys' });
  await daemon.client.waitForService({ fqn: service, for: 'healthy' }, { deadlineMs: 65_000 });
  await proxyListens(daemon.client);
  const load = new Load(port, clients);
  say(`${load.clients} clients ask http://127.0.0.1:${port}/ without a pause; Ctrl-C ends it.`);
  try {
    for (let deploy = 1; deploy <= deploys && !interrupted.aborted; deploy += 1) {
      const before = performance.now();
      await daemon.client.deployService({ fqn: service });
      const isKilled = kills && deploy % 3 === 0;
      if (isKilled) await killAndStart(daemon);
      await daemon.client.waitForService({ fqn: service, for: 'deployed', timeoutMs: 60_000 }, { deadlineMs: 65_000 });
      const { rollout } = await daemon.client.getService({ fqn: service });
      const seconds = ((performance.now() - before) / 1_000).toFixed(1);
      say(`deploy ${deploy} of ${deploys}: ${rollout.color ?? ''} serves after ${seconds} s${isKilled ? ', the daemon was killed meanwhile' : ''}; ${load.total} answered, ${load.failures.length} failed`);
    }
  } finally {
    await load.stop();
  }
  for (const kind of kinds) say(`${kind.padEnd(10)} ${String(load.done[kind]).padStart(7)} whole, ${load.failures.filter((failure) => failure.kind === kind).length} failed`);
  for (const { kind, what, atMs } of load.failures.slice(0, 10)) say(`failed: ${kind} after ${atMs} ms: ${what}`);
  say(load.failures.length === 0 ? `${load.total} requests, none failed.` : `${load.failures.length} of ${load.total + load.failures.length} requests failed.`);
  return load.failures.length === 0 ? 0 : 1;
}

/** At any moment of the deploy. */
async function killAndStart(daemon: OwnDaemon): Promise<void> {
  await delay(Math.random() * 500);
  await daemon.kill();
  await daemon.start();
}

async function proxyListens(client: DaemonClient): Promise<void> {
  while ((await client.status()).proxy.length === 0) await delay(50);
}

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}

main().catch((thrown: unknown) => {
  const error = toHiveError(thrown);
  process.stderr.write(`${error.message}${error.next === undefined ? '' : ` ${error.next}`} [${error.code}]\n`);
  process.exitCode = 1;
});

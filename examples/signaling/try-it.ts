import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { DaemonClient } from '../../shared/client/index.js';
import { toHiveError } from '../../shared/errors/index.js';
import { packageRoot } from '../../shared/package-root.js';
import { serveAskers } from './ask-protocol.js';
import { SignalingServer } from './signaling-server.js';
import { freePort } from '../free-port.js';

/**
 * A daemon with a home of its own, a signaling server beside it, and a cocoon that answers over HTTP. `--once` ends when it
 * has answered; otherwise it goes on until Ctrl-C. Nothing is left behind.
 */
const hiveId = 'try-it';
const secret = 'shared by Hive and its signaling server';
const patienceMs = 30_000;

async function main(isOnce: boolean): Promise<void> {
  const home = mkdtempSync(join(tmpdir(), 'hive-'));
  const server = new SignalingServer({ secret });
  const url = await server.listen();
  const bind = `127.0.0.1:${await freePort()}`;
  writeFileSync(join(home, 'hive.yaml'), `version: "1"\nproxy: {bind: ["${bind}"]}\nservices: {}\n`);
  const hived = spawn(process.execPath, [join(packageRoot(), 'dist/daemon/main.js'), '--home', home], {
    stdio: ['ignore', 'ignore', 'inherit'],
    env: {
      ...process.env, HIVE_HOME: home,
      SIGNALING_SERVER_URL: url, HIVE_ID: hiveId, HIVE_SECRET: secret,
      COCOON_RUNNER_TYPE: 'script', COCOON_SCRIPT_PATH: join(packageRoot(), 'examples/signaling/cocoon.mjs'),
    },
    // A group of its own: Ctrl-C reaches this program alone, which then asks the daemon to stop in order.
    detached: true,
  });
  const exited = once(hived, 'exit');
  const interrupted = Promise.race([once(process, 'SIGINT'), once(process, 'SIGTERM')]);
  const askers = serveAskers(server, hiveId);
  try {
    await Promise.race([show(server, home, bind, isOnce, await askers.listen()), interrupted, exited]);
  } finally {
    if (hived.exitCode === null) {
      const client = await DaemonClient.connect({ home }).catch(() => null);
      await client?.shutdown({}).catch(() => undefined);
      hived.kill('SIGTERM');
      await exited;
    }
    askers.close();
    await server.close();
    rmSync(home, { recursive: true, force: true });
  }
  say('Everything is stopped and nothing is left behind.');
}

async function show(server: SignalingServer, home: string, bind: string, isOnce: boolean, asking: string): Promise<void> {
  await until(() => server.hives.includes(hiveId), 'Hive to register at the signaling server');
  say(`Hive has registered at the signaling server, as ${hiveId}.`);
  const beganAt = performance.now();
  const answer = await server.ask(hiveId, 'spawn_cocoon', { request_id: 'first', setup_token: 'a secret for the cocoon', kind: 'default', name: 'hello' });
  if (answer['success'] !== true) throw new Error(`Hive did not make the cocoon: ${String(answer['error'])}`);
  say(`The server asked for a cocoon; ${Math.round(performance.now() - beganAt)} ms later Hive answered: ${JSON.stringify(answer)}`);
  const page = `http://${bind}/cocoon/hello/`;
  let body = '';
  await until(async () => {
    const response = await fetch(page).catch(() => null);
    if (response?.ok === true) body = await response.text();
    return body !== '';
  }, 'the cocoon to answer');
  say(`${page} says: ${body.trim()}`);
  if (isOnce) return;
  const node = 'node dist';
  say('');
  say('From another terminal:');
  say(`  ${node}/examples/signaling/ask.js ${asking} spawn                 ask for another cocoon`);
  say(`  ${node}/examples/signaling/ask.js ${asking} terminate hello       and for the end of one`);
  say(`  HIVE_HOME=${home} ${node}/hivectl/main.js status          what Hive makes of it (also logs, why, plugin list)`);
  say('Ctrl-C stops everything.');
  await new Promise(() => {});
}

async function until(holds: () => boolean | Promise<boolean>, what: string): Promise<void> {
  for (const deadline = performance.now() + patienceMs; !(await holds()); await delay(50)) {
    if (performance.now() > deadline) throw new Error(`Waited ${patienceMs / 1_000} s for ${what}.`);
  }
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

main(process.argv.includes('--once')).catch((thrown: unknown) => {
  process.stderr.write(`${toHiveError(thrown).message}\n`);
  process.exitCode = 1;
});

import { afterEach, describe, expect, it } from '@jest/globals';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { environmentMarker } from '../../shared/process/environment-marker.js';
import { identityOf } from '../../shared/process/identity.js';
import { ticksPerSecond, ticksSinceBoot } from '../../shared/process/machine.js';
import { commandOf, readProcessTable } from '../../shared/process/proc-table.js';
import { isGone, type ProcessRow } from '../../shared/process/process-row.js';
import { signalProcess } from '../../shared/process/send-signal.js';
import type { Plugin } from '../../shared/protocol/results.js';
import { eventsOf, journalOf } from '../support/journal.js';
import { TestHive } from '../support/test-hive.js';
import { dropFile, dropFixture, examples } from './drop-in.js';
import { until } from './until.js';

let hive: TestHive;
let server: Server | undefined;
afterEach(async () => {
  server?.close();
  server?.closeAllConnections();
  server = undefined;
  await hive.end();
});

const patience = 40_000;
const work = 'version: "1"\nservices:\n  web: {runner: {type: script, script: {run: "exec sleep 1000"}}, restart: always}\n';
const dropIns = ['behaves', 'health-log', 'restart-notes'];

function dropAll(): void {
  const folder = join(hive.home, 'plugins');
  dropFixture(folder, 'behaves');
  dropFile(folder, join(examples, 'python', 'health-log.py'));
  dropFile(folder, join(examples, 'sh', 'restart-notes'));
}

async function plugins(): Promise<Map<string, Plugin>> {
  return new Map((await hive.client.listPlugins()).plugins.map((plugin) => [plugin.id, plugin]));
}

/** Waits until plugins are ready; answers their pids. */
async function readyPids(ids: readonly string[] = dropIns): Promise<number[]> {
  return until(`${ids.join(', ')} are ready`, async () => {
    const found = await plugins();
    const pids = ids.map((id) => (found.get(id)?.state === 'ready' ? found.get(id)?.pid : null));
    return pids.every((pid) => typeof pid === 'number') && (pids);
  }, () => '', patience);
}

/** The process that is this daemon's plugin host. */
function hostOf(daemon: number): ProcessRow | undefined {
  return [...readProcessTable().values()].find((row) => row.parentPid === daemon && !isGone(row) && commandOf(row, 1_000).includes('plugin-host/main.js'));
}

describe('SIGKILL to the plugin host of a real daemon', () => {
  it('leaves plugins running; the next host starts within a second, takes them over and ends them when told to', async () => {
    hive = await TestHive.started();
    dropAll();
    const pids = await readyPids();
    for (let kill = 0; kill < 3; kill++) {
      const host = await until('there is a host', () => hostOf(hive.pid));
      const killedAt = ticksSinceBoot();
      process.kill(host.pid, 'SIGKILL');
      const next = await until('there is another host', () => { const found = hostOf(hive.pid); return found?.pid !== host.pid && found; });
      expect((next.startTicks - killedAt) / ticksPerSecond).toBeLessThan(1);
      await until('it has taken them over', () => {
        const log = readFileSync(join(hive.home, 'logs/.plugins/host.log'), 'utf8');
        return pids.every((pid) => log.split(`took over process ${pid}\n`).length === kill + 2);
      }, () => '', patience);
      expect(await readyPids()).toEqual(pids);
    }
    const found = await plugins();
    expect(dropIns.map((id) => found.get(id)?.restarts)).toEqual([0, 0, 0]);
    expect(eventsOf(await journalOf(hive.client), 'plugin.crashed')).toEqual([]);

    await hive.client.disablePlugin({ plugin: 'behaves' });
    await until('it has ended', () => identityOf(pids[0] as number) === null, () => '', patience);
    await hive.client.restartPlugin({ plugin: 'restart-notes' });
    await until('it has another process', async () => { const { pid, state } = (await plugins()).get('restart-notes') as Plugin; return state === 'ready' && pid !== pids[2]; }, () => '', patience);
  });
});

describe('SIGKILL to a real daemon', () => {
  it('ends its plugins and its host, not its services; the next daemon starts them again, once', async () => {
    hive = await TestHive.started();
    await hive.addSource('work', work);
    await hive.client.startService({ source: 'work' });
    const service = (await hive.serviceWhen('work:web', ({ state }) => state === 'running')).instances[0]?.pid as number;
    dropAll();
    let pids = await readyPids();
    for (let kill = 0; kill < 2; kill++) {
      const host = await until('there is a host', () => hostOf(hive.pid));
      await hive.kill();
      await until('all of them are gone', () => [host.pid, ...pids].every((pid) => identityOf(pid) === null), () => '', patience);
      expect(identityOf(service)).not.toBeNull();
      await hive.start();
      const again = await readyPids();
      expect(again.filter((pid) => pids.includes(pid))).toEqual([]);
      pids = again;
    }
    expect((await hive.service('work:web')).instances[0]?.pid).toBe(service);
    const starts = eventsOf(await journalOf(hive.client), 'plugin.started');
    expect(dropIns.map((id) => starts.filter(({ plugin }) => plugin === id).length)).toEqual([3, 3, 3]);
  });
});

describe('crash-notifier in a real daemon', () => {
  const id = 'crash-notifier';

  it('tells of every crash by command and by webhook, killed between effect and acknowledgement, and the daemon too', async () => {
    const posted = new Map<string, number>();
    const isSurvived = new Set<string>();
    // Ends the plugin when a notification arrives for the first time, before there is an answer: the effect is done, and nobody knows.
    server = createServer((request, response) => {
      let body = '';
      request.on('data', (chunk) => { body += String(chunk); });
      request.on('end', () => {
        const { id: key } = JSON.parse(body) as { id: string };
        posted.set(key, (posted.get(key) ?? 0) + 1);
        if (isSurvived.has(key)) { response.writeHead(204).end(); return; }
        isSurvived.add(key);
        void killNotifier().catch(() => undefined).finally(() => response.destroy());
      });
    });
    // It may be gone by now, and so may the daemon: then its successor gets the answer that is no answer.
    const killNotifier = async (): Promise<void> => {
      const { pid } = await hive.client.getPlugin({ plugin: id });
      const identity = pid === null || environmentMarker(pid, 'HIVE_HOME') !== hive.home ? null : identityOf(pid);
      if (identity !== null) signalProcess(identity, 'SIGKILL');
    };
    await new Promise<void>((resolve) => server?.listen(0, '127.0.0.1', resolve));
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`;

    hive = new TestHive({ HIVE_PLUGIN_TIMINGS: '{"backoffFirstMs":10,"backoffLongestMs":50,"quarantineAfter":1000000}' });
    const told = join(hive.home, 'told');
    writeFileSync(join(hive.home, 'hive.yaml'), `version: "1"\nplugins:\n  ${id}:\n    webhook: ${url}\n    command: 'line=$(cat); printf "%s\\n" "$line" >> ${told}'\nservices: {}\n`);
    await hive.start();
    await hive.addSource('shop', 'version: "1"\nservices:\n  crasher: {runner: {type: script, script: {run: "echo last words; exit 3"}}}\n');
    await readyPids([id]);
    for (let crash = 1; crash <= 4; crash++) {
      await hive.client.restartService({ fqn: 'shop:crasher' });
      await hive.serviceWhen('shop:crasher', ({ state }) => state === 'failed', patience);
      if (crash % 2 === 0) await hive.restartAfterKill();
    }
    const { epoch } = (await hive.client.status()).journal;
    const crashes = eventsOf(await journalOf(hive.client), 'service.crashed', 'shop:crasher').map(({ seq }) => `${epoch}-${seq}`);
    expect(crashes.length).toBeGreaterThanOrEqual(4);
    const commanded = (): string[] => (existsSync(told) ? readFileSync(told, 'utf8').split('\n').filter((line) => line !== '').map((line) => (JSON.parse(line) as { id: string }).id) : []);
    await until('both ways have told of every crash', () => crashes.every((key) => (posted.get(key) ?? 0) >= 2 && commanded().includes(key)),
      () => JSON.stringify({ crashes, posted: [...posted], commanded: commanded() }), patience);
    expect(readFileSync(told, 'utf8')).toContain('last words');
  }, 120_000);
});

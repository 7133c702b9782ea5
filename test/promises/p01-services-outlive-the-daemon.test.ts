import { afterEach, describe, expect, it } from '@jest/globals';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import type { HiveEvent } from '../../shared/protocol/events.js';
import { seededRandom } from '../support/seeded-random.js';
import { servicesInProc } from '../support/services-in-proc.js';
import { TestHive } from '../support/test-hive.js';
import { until } from '../support/until.js';

const steady = 60;
const crashing = 40;
const kills = 50;
const exitCodeOf = (n: number): number => 11 + (n % 20);

/** 60 services that write numbered lines, 40 that crash every second with a code of their own. */
function stack(): string {
  const services: string[] = [];
  for (let n = 0; n < steady; n += 1) {
    services.push(`  steady-${n}:\n    runner: {type: script, script: {run: 'n=0; while :; do n=$((n+1)); echo "line $n of $$"; sleep 0.4; done'}}\n    restart: always\n    stop: {grace: 500ms}\n    logs: {max_size: 16KB, max_files: 10}`);
  }
  for (let n = 0; n < crashing; n += 1) {
    services.push(`  crashing-${n}:\n    runner: {type: script, script: {run: 'echo "begin $$"; sleep 0.${50 + n}; echo "end $$"; exit ${exitCodeOf(n)}'}}\n    restart: {policy: always, delay: 100ms, max_delay: 300ms, window: 10s}`);
  }
  return `version: "1"\nservices:\n${services.join('\n')}\n`;
}

describe('promise 1: SIGKILL of the daemon at any instant harms no service', () => {
  let hive: TestHive;
  afterEach(() => hive.end());

  it(`survives ${kills} kills while 100 services start, restart and log`, async () => {
    hive = await TestHive.started();
    const random = seededRandom(20);
    await hive.addSource('many', stack());
    await hive.client.startService({ source: 'many' });

    // The first kills hit the middle of the first starts; all of them hit daemons that are coming up, too.
    const pids = new Map<string, number>();
    let doubled: string[] = [];
    for (let kill = 0; kill < kills; kill += 1) {
      await delay(random() * (kill < 5 ? 60 : 250));
      await hive.kill();
      const seen = servicesInProc(hive.home);
      doubled = doubled.concat(seen.doubled);
      for (const [fqn, pid] of seen.pids) {
        if (!fqn.startsWith('many:steady-')) continue;
        const before = pids.get(fqn);
        if (before !== undefined) expect([fqn, pid]).toEqual([fqn, before]);
        pids.set(fqn, pid);
      }
      for (const fqn of pids.keys()) expect([...seen.pids.keys()]).toContain(fqn);
      const daemon = hive.launch();
      if (random() < 0.5) await Promise.race([once(daemon, 'exit'), delay(random() * 400)]);
      else await until(() => (hive.printed().includes('is ready') ? true : undefined), 'the daemon to be ready');
    }
    await hive.kill();
    await hive.start();
    expect(doubled).toEqual([]);

    await until(async () => {
      const { services } = await hive.client.listServices({ source: 'many' });
      return services.filter(({ name, state }) => name.startsWith('steady') && state === 'running').length === steady ? true : undefined;
    }, 'all steady services to run');
    const { services } = await hive.client.listServices({ source: 'many' });
    for (const service of services.filter(({ name }) => name.startsWith('steady'))) {
      const before = pids.get(service.fqn);
      if (before !== undefined) expect([service.fqn, service.instances[0]?.pid]).toEqual([service.fqn, before]);
      expect(service.restarts).toBe(0);
    }

    await expectExactExits(hive);
    await expectQuickAdoption(hive);
    await expectGaplessJournal(hive);
    await expectWholeLogs(hive);
  }, 180_000);
});

async function allEvents(hive: TestHive, types: string[]): Promise<HiveEvent[]> {
  const all: HiveEvent[] = [];
  for (let since = 0; ; ) {
    const { events } = await hive.client.listEvents({ since, limit: 10_000, types: types });
    const page = events as unknown as HiveEvent[];
    all.push(...page.filter(({ seq }) => seq > since));
    const last = page.at(-1);
    if (last === undefined || page.length < 10_000) return all;
    since = last.seq;
  }
}

async function expectExactExits(hive: TestHive): Promise<void> {
  const crashes = await allEvents(hive, ['service.crashed']);
  const wrong = crashes.filter((event) => event.type === 'service.crashed' && event.exitCode !== exitCodeOf(Number(event.service.split('-')[1])));
  expect(wrong).toEqual([]);
  expect(crashes.length).toBeGreaterThan(crashing);
}

async function expectQuickAdoption(hive: TestHive): Promise<void> {
  const events = await allEvents(hive, ['daemon.started', 'service.adopted']);
  const started = events.filter(({ type }) => type === 'daemon.started').at(-1);
  const adopted = events.filter(({ type, seq }) => type === 'service.adopted' && seq > (started?.seq ?? 0));
  expect(adopted.length).toBeGreaterThanOrEqual(steady);
  const tookMs = Date.parse(adopted.at(-1)?.time ?? '') - Date.parse(started?.time ?? '');
  expect(tookMs).toBeLessThan(1_000);
}

async function expectGaplessJournal(hive: TestHive): Promise<void> {
  const events = await allEvents(hive, ['daemon.*', 'service.*', 'source.*', 'plugin.*', 'routes.*']);
  expect(events.map(({ seq }) => seq)).toEqual(events.map((_event, index) => index + 1));
}

/** Each steady service wrote 1, 2, 3 …, from one process: none missing, none doubled, none torn. */
async function expectWholeLogs(hive: TestHive): Promise<void> {
  for (let n = 0; n < steady; n += 1) {
    const { lines } = await hive.client.getLogs({ fqn: `many:steady-${n}`, lines: 100_000, stream: 'stdout' });
    const pid = lines[0]?.message.split(' ').at(-1);
    expect(lines.map(({ message }) => message)).toEqual(lines.map((_line, index) => `line ${index + 1} of ${pid}`));
    expect(lines.length).toBeGreaterThan(1);
  }
}

import { afterEach, describe, expect, it } from '@jest/globals';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { HiveEvent } from '../../shared/protocol/events.js';
import type { LastExit } from '../../shared/protocol/results.js';
import { orderProblems } from '../support/event-order.js';
import { eventsOf, journalOf } from '../support/journal.js';
import { servicesInProc } from '../support/services-in-proc.js';
import { TestHive } from '../support/test-hive.js';
import { until } from '../support/until.js';

const codes = [0, 1, 7, 126, 127, 130, 137, 141, 143, 255];
const signals = ['SIGKILL', 'SIGTERM', 'SIGINT', 'SIGHUP', 'SIGPIPE', 'SIGABRT', 'SIGSEGV'] as const;
const deaths = ['while the daemon runs', 'while the daemon is dead', 'while the daemon is stopped and its services are kept'] as const;

describe('promise 3: an exit result is exact or unknown', () => {
  let hive: TestHive;
  afterEach(() => hive.end());

  /** One service for each way to end; each ends once the file `go` is there. */
  const stack = (): string => {
    const go = join(hive.home, 'go');
    const ways = [...codes.map((code) => [`code-${code}`, `exit ${code}`]), ...signals.map((signal) => [`signal-${signal.toLowerCase()}`, `ulimit -c 0; kill -${signal.slice(3)} $$; sleep 60`])];
    const services = ways.map(([name, end]) => `  ${name}:\n    runner: {type: script, script: {run: 'until [ -e ${go} ]; do sleep 0.05; done; echo "last words of ${name}"; ${end}'}}\n    restart: on-failure\n`);
    return `version: "1"\nservices:\n${services.join('')}`;
  };
  const end = (): void => writeFileSync(join(hive.home, 'go'), '');
  const allGone = (): Promise<true> => until(() => (servicesInProc(hive.home).pids.size === 0 ? true : undefined), 'all services to end');

  it.each(deaths)('for codes and signals, %s', async (when) => {
    hive = await TestHive.started();
    await hive.addSource('ends', stack());
    await hive.client.startService({ source: 'ends' });
    const all = codes.length + signals.length;
    await until(async () => ((await hive.client.status()).services.byState['running'] === all ? true : undefined), 'all to run');
    switch (when) {
      case 'while the daemon runs':
        end();
        break;
      case 'while the daemon is dead':
        await hive.kill();
        end();
        await allGone();
        await hive.start();
        break;
      case 'while the daemon is stopped and its services are kept':
        await hive.shutdown(true);
        end();
        await allGone();
        await hive.start();
        break;
    }
    const journal = await until(async () => {
      const events = await journalOf(hive.client);
      const ended = new Set(events.filter(({ type }) => type === 'service.crashed' || type === 'service.completed').map((event) => ('service' in event ? event.service : '')));
      return ended.size === all ? events : undefined;
    }, 'the end of all to be told');

    for (const code of codes) await expectExit(`ends:code-${code}`, { code, signal: null }, journal);
    for (const signal of signals) await expectExit(`ends:signal-${signal.toLowerCase()}`, { code: null, signal }, journal);
    expect(orderProblems(journal)).toEqual([]);
  });

  const expectExit = async (fqn: string, expected: { code: number | null; signal: string | null }, journal: HiveEvent[]): Promise<void> => {
    const service = await hive.service(fqn);
    expect([fqn, service.instances[0]?.lastExit]).toEqual([fqn, { ...expected, at: expect.any(String) as unknown }]);
    const crashes = eventsOf(journal, 'service.crashed', fqn);
    if (expected.code === 0) {
      expect([fqn, service.state, crashes]).toEqual([fqn, 'completed', []]);
      expect(eventsOf(journal, 'service.completed', fqn)).toHaveLength(1);
      return;
    }
    expect(eventsOf(journal, 'service.completed', fqn)).toEqual([]);
    expect(crashes.length).toBeGreaterThanOrEqual(1);
    for (const crash of crashes) {
      expect(crash).toMatchObject({ exitCode: expected.code, signal: expected.signal });
      expect(crash.lastLines.at(-1)).toBe(`last words of ${service.name}`);
    }
  };

  it.each(['runs', 'is dead'])('says unknown, and why, of a service whose shim was killed while the daemon %s', async (daemon) => {
    hive = await TestHive.started();
    await hive.addSource('lost', `version: "1"\nservices:\n  one:\n    runner: {type: script, script: {run: 'until [ -e ${join(hive.home, 'go')} ]; do sleep 0.05; done; exit 0'}}\n`);
    await hive.client.startService({ source: 'lost' });
    await hive.client.waitForService({ fqn: 'lost:one', for: 'running' });
    if (daemon === 'is dead') await hive.kill();
    process.kill(shimOf('lost', 'one'), 'SIGKILL');
    end();
    await allGone();
    if (daemon === 'is dead') await hive.start();
    const { instances, state } = await hive.serviceWhen('lost:one', (service) => service.state !== 'running');
    // Nobody can say that it succeeded, so it does not count as completed.
    expect(state).toBe('failed');
    const lastExit = instances[0]?.lastExit as LastExit;
    expect(lastExit).toMatchObject({ code: null, signal: null });
    expect(lastExit.unknown).toMatch(/shim/);
    expect(eventsOf(await journalOf(hive.client), 'service.crashed')).toEqual([expect.objectContaining({ exitCode: null, signal: null, unknown: lastExit.unknown })]);
  });

  it('tells a core dump from a plain death', async () => {
    hive = await TestHive.started();
    await hive.addSource('dumps', 'version: "1"\nservices:\n  core:\n    runner: {type: script, script: {run: "ulimit -c unlimited && kill -SEGV $$; sleep 60"}}\n');
    await hive.client.startService({ source: 'dumps' });
    const { instances, reason } = await hive.serviceWhen('dumps:core', ({ state }) => state === 'failed');
    expect(instances[0]?.lastExit).toMatchObject({ code: null, signal: 'SIGSEGV' });
    if (coresAreFiles()) expect(reason).toContain('was killed by SIGSEGV (core dumped)');
    else console.log('core dumps go to a program on this machine: that one was dumped was not checked');
  });

  const shimOf = (source: string, service: string): number => Number(readFileSync(join(hive.home, 'run', source, service, '1', 'record'), 'utf8').split(' ')[2]);
});

function coresAreFiles(): boolean {
  return !readFileSync('/proc/sys/kernel/core_pattern', 'utf8').startsWith('|') && /Max core file size\s+\S+\s+unlimited/.test(readFileSync('/proc/self/limits', 'utf8'));
}

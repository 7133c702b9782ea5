import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { HiveError } from '../../shared/errors/index.js';
import { orderProblems } from '../support/event-order.js';
import { eventsOf, journalOf } from '../support/journal.js';
import { seededRandom } from '../support/seeded-random.js';
import { servicesInProc } from '../support/services-in-proc.js';
import { TestHive } from '../support/test-hive.js';
import { until } from '../support/until.js';
import { canTrace } from '../support/can-trace.js';

const kills = Number(process.env['HIVE_KILLS'] ?? 40);
jest.setTimeout(Math.max(300_000, kills * 4_000));

const sleeper = { runner: { type: 'script', script: { run: 'exec sleep 1000' } }, restart: { policy: 'always', delay: '50ms' } };
/** The value is where it may be changed without a restart. */
const config = (value: number): unknown => ({ ...sleeper, stop: { grace: `${value}ms` } });
const source = (name: string): string => JSON.stringify({ version: '1', services: { [name]: sleeper } });

/** What the client believes of one thing: a service in a database, or a source. Null: it is not there. */
type Believed = { readonly value: number; readonly wanted: 'up' | 'down' } | null;
/** One call: what it makes of the thing, and the call itself. */
interface Change { readonly after: Believed; readonly call: () => Promise<unknown> }

describe('promise 9: acknowledged means durable', () => {
  let hive: TestHive;
  afterEach(() => hive.end());

  it(`through ${kills} kills of the daemon under calls that change it`, async () => {
    hive = await TestHive.started();
    const random = seededRandom(9);
    let values = 0;
    const serviceChange = (name: string, now: Believed): Change => {
      const fqn = `cocoons:${name}`;
      if (now === null) {
        values += 1;
        const value = values;
        return { after: { value, wanted: 'down' }, call: () => hive.client.createService({ source: 'cocoons', name, config: config(value) }) };
      }
      const dice = random();
      if (dice < 0.3) {
        values += 1;
        const value = values;
        return { after: { ...now, value }, call: () => hive.client.updateService({ fqn, patch: { stop: { grace: `${value}ms` } } }) };
      }
      if (dice < 0.55) return { after: { ...now, wanted: 'up' }, call: () => hive.client.startService({ fqn }) };
      if (dice < 0.8) return { after: { ...now, wanted: 'down' }, call: () => hive.client.stopService({ fqn }) };
      return { after: null, call: () => hive.client.deleteService({ fqn }) };
    };
    const sourceChange = (name: string, now: Believed): Change => {
      if (now === null) return { after: { value: 0, wanted: 'down' }, call: () => hive.addSource(name, source('one')) };
      const dice = random();
      if (dice < 0.3) return { after: null, call: () => hive.client.removeSource({ name }) };
      return dice < 0.65 ? { after: { ...now, wanted: 'up' }, call: () => hive.client.startService({ source: name }) } : { after: { ...now, wanted: 'down' }, call: () => hive.client.stopService({ source: name }) };
    };
    const things = [...['a', 'b', 'c', 'd', 'e'].map((name) => ({ name, next: serviceChange })), ...['red', 'green', 'blue'].map((name) => ({ name, next: sourceChange }))];
    const believed = new Map<string, Believed>(things.map(({ name }) => [name, null]));
    const lost: unknown[] = [];
    let acknowledged = 0;
    let unanswered = 0;

    for (let kill = 0; kill < kills; kill += 1) {
      const killed = { yet: false };
      const askers = things.map(async ({ name, next }): Promise<[string, Believed[]]> => {
        for (;;) {
          const now = believed.get(name) ?? null;
          const { after, call } = next(name, now);
          try {
            await call();
          } catch (error) {
            if (!(error instanceof HiveError) || error.code !== 'CONNECTION_CLOSED') throw error;
            unanswered += 1;
            return [name, [now, after]];
          }
          acknowledged += 1;
          believed.set(name, after);
          if (killed.yet) return [name, [after]];
        }
      });
      await delay(random() * 80);
      killed.yet = true;
      await hive.kill();
      const possible = await Promise.all(askers);
      if (random() < 0.3) {
        hive.launch();
        await delay(random() * 300);
        await hive.kill();
      }
      await hive.start();
      for (const [name, states] of possible) {
        const actual = name.length === 1 ? await actualService(name) : await actualSource(name);
        if (!states.some((state) => JSON.stringify(state) === JSON.stringify(actual))) lost.push({ kill, name, states, actual });
        believed.set(name, actual);
      }
    }
    console.log(`${kills} kills, ${acknowledged} calls acknowledged, ${unanswered} cut off, ${lost.length} lost`);
    expect(lost).toEqual([]);
    expect(acknowledged).toBeGreaterThan(kills);

    // And it is done: exactly what is wanted up runs.
    const missing = async (): Promise<unknown[]> => {
      const { services } = await hive.client.listServices();
      const { pids } = servicesInProc(hive.home);
      return services.filter(({ fqn, wanted, instances }) => pids.get(fqn) !== (wanted === 'up' ? instances[0]?.pid : undefined) || (wanted === 'up') !== pids.has(fqn))
        .map(({ fqn, wanted, state, reason, instances }) => ({ fqn, wanted, state, reason, instances, lives: pids.get(fqn) }));
    };
    await until(async () => ((await missing()).length === 0 ? true : undefined), 'what is wanted to be so').catch(() => undefined);
    expect(await missing()).toEqual([]);
  });

  const actualService = async (name: string): Promise<Believed> => {
    const fqn = `cocoons:${name}`;
    const found = (await hive.client.listServices()).services.find((service) => service.fqn === fqn);
    try {
      const { config: written } = (await hive.client.getServiceConfig({ fqn })) as { config: { stop: { grace: string } } };
      return { value: Number.parseInt(written.stop.grace, 10), wanted: found?.wanted ?? 'down' };
    } catch (error) {
      // It may still be listed while it stops.
      if (error instanceof HiveError && error.code === 'NOT_FOUND') return null;
      throw error;
    }
  };
  const actualSource = async (name: string): Promise<Believed> => {
    const { sources } = await hive.client.listSources();
    return sources.some((one) => one.name === name) ? { value: 0, wanted: (await hive.service(`${name}:one`)).wanted } : null;
  };
  /** A home on a file system of its own, of 16 MB. */
  const onSmallDisk = async (): Promise<void> => {
    hive = new TestHive();
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=16m,mode=0700', 'tmpfs', hive.home]);
    hive.cleanups.push(() => execFileSync('umount', ['-l', hive.home]));
    await hive.start();
  };

  it('or it fails, with a full disk under the home: the old state stays, services run on, and what crashed comes back', async () => {
    if (process.getuid?.() !== 0) return console.log('skipped: only root may mount a small file system');
    await onSmallDisk();
    for (const name of ['web', 'db']) await hive.client.createService({ source: 'cocoons', name, config: config(1) });
    for (const name of ['web', 'db']) await hive.client.startService({ fqn: `cocoons:${name}` });
    for (const name of ['web', 'db']) await hive.client.waitForService({ fqn: `cocoons:${name}`, for: 'running' });
    const before = await until(() => {
      const { pids } = servicesInProc(hive.home);
      return pids.size === 2 ? pids : undefined;
    }, 'the services to be there');
    const db = before.get('cocoons:db') ?? 0;
    const folder = hive.writeSource('late', source('one'));

    const filler = join(hive.home, 'filler');
    fill(filler);
    const refused = await Promise.all([
      refusal(hive.client.createService({ source: 'cocoons', name: 'more', config: config(2) })),
      refusal(hive.client.updateService({ fqn: 'cocoons:web', patch: { environment: { static: { LONG: 'x'.repeat(100_000) } } } })),
      refusal(hive.client.addSource({ path: folder, name: 'late' })),
      refusal(hive.client.stopService({ fqn: 'cocoons:web' })),
    ]);
    for (const error of refused) {
      expect(error).toMatchObject({ code: 'STORAGE_FAILED', message: expect.stringMatching(/full|could not be written/) as unknown });
      expect(error.next).toBeTruthy();
    }
    const { services } = await hive.client.listServices();
    expect(services.map(({ fqn, state, wanted }) => [fqn, state, wanted]).sort()).toEqual([['cocoons:db', 'running', 'up'], ['cocoons:web', 'running', 'up']]);
    expect(await actualService('web')).toEqual({ value: 1, wanted: 'up' });

    process.kill(db, 'SIGKILL');
    await hive.serviceWhen('cocoons:db', ({ state }) => state !== 'running');
    expect(servicesInProc(hive.home).pids.get('cocoons:web')).toBe(before.get('cocoons:web'));
    expect((await hive.client.status()).pid).toBe(hive.pid);

    rmSync(filler);
    const again = await hive.serviceWhen('cocoons:db', ({ state }) => state === 'running');
    expect(again.instances[0]).toMatchObject({ restarts: 1, lastExit: { code: null, signal: 'SIGKILL' } });
    await hive.client.createService({ source: 'cocoons', name: 'more', config: config(2) });
    await hive.client.addSource({ path: folder, name: 'late' });
    await hive.client.stopService({ fqn: 'cocoons:web' });
    await hive.client.waitForService({ fqn: 'cocoons:web', for: 'stopped' });
    await hive.restartAfterKill();
    expect(await actualService('more')).toEqual({ value: 2, wanted: 'down' });
    expect(await actualService('web')).toEqual({ value: 1, wanted: 'down' });
    const journal = await journalOf(hive.client);
    expect(eventsOf(journal, 'service.crashed')).toEqual([expect.objectContaining({ service: 'cocoons:db', signal: 'SIGKILL' })]);
    expect(orderProblems(journal)).toEqual([]);
  });

  it('or it fails: on a full disk a daemon still stops everything, and one that cannot come up says why', async () => {
    if (process.getuid?.() !== 0) return console.log('skipped: only root may mount a small file system');
    await onSmallDisk();
    for (const name of ['web', 'db']) await hive.client.createService({ source: 'cocoons', name, config: config(1) });
    await hive.client.startService({ fqn: 'cocoons:web' });
    await hive.client.waitForService({ fqn: 'cocoons:web', for: 'running' });
    const web = await until(() => servicesInProc(hive.home).pids.get('cocoons:web'), 'the service to be there');
    const filler = join(hive.home, 'filler');
    try {
      fill(filler);
      await hive.kill();
      const daemon = hive.launch();
      const [code] = (await once(daemon, 'exit')) as [number];
      expect([code, hive.printed()]).toEqual([1, expect.stringMatching(/^hived: .*(full|no space left).*Free disk space.*\[STORAGE_FAILED\]\n$/s)]);
      expect(servicesInProc(hive.home).pids.get('cocoons:web')).toBe(web);
      rmSync(filler);
      await hive.start();
      expect((await hive.service('cocoons:web')).instances[0]?.pid).toBe(web);

      fill(filler);
      expect(await hive.shutdown()).toBe(0);
      expect(servicesInProc(hive.home).pids.size).toBe(0);
    } finally {
      rmSync(filler, { force: true });
    }
    // Nobody could write that it was stopped, and how: what is wanted runs again, and nothing false is said.
    await hive.start();
    const { instances } = await hive.serviceWhen('cocoons:web', ({ state }) => state === 'running');
    expect(instances[0]?.lastExit?.code ?? null).toBeNull();
    expect((await hive.service('cocoons:db')).state).toBe('stopped');
  });

  it('or it fails, with a disk that answers fsync with an error', async () => {
    hive = await TestHive.started();
    if (!canTrace()) return console.log('skipped: strace is not installed, or may not trace here');
    await hive.client.createService({ source: 'cocoons', name: 'web', config: config(1) });
    await hive.client.startService({ fqn: 'cocoons:web' });
    await hive.client.waitForService({ fqn: 'cocoons:web', for: 'running' });
    const web = await until(() => servicesInProc(hive.home).pids.get('cocoons:web'), 'the service to be there');
    const strace = await breakSync(hive.pid);
    expect(await refusal(hive.client.createService({ source: 'cocoons', name: 'more', config: config(2) }))).toMatchObject({ code: 'STORAGE_FAILED' });
    expect(await refusal(hive.client.stopService({ fqn: 'cocoons:web' }))).toMatchObject({ code: 'STORAGE_FAILED' });
    expect(await hive.service('cocoons:web')).toMatchObject({ state: 'running', wanted: 'up' });
    expect((await hive.client.listServices()).services).toHaveLength(1);
    strace.kill('SIGINT');
    await once(strace, 'exit');

    await hive.client.createService({ source: 'cocoons', name: 'more', config: config(2) });
    await hive.client.startService({ fqn: 'cocoons:more' });
    await hive.restartAfterKill();
    expect(await actualService('more')).toEqual({ value: 2, wanted: 'up' });
    expect(await actualService('web')).toEqual({ value: 1, wanted: 'up' });
    expect((await hive.service('cocoons:web')).instances[0]?.pid).toBe(web);
    expect(orderProblems(await journalOf(hive.client))).toEqual([]);
  });
});

async function refusal(call: Promise<unknown>): Promise<HiveError> {
  try {
    await call;
  } catch (error) {
    if (error instanceof HiveError) return error;
    throw error;
  }
  throw new Error('It was not refused.');
}

/** Writes until not one byte more has room. */
function fill(path: string): void {
  const file = openSync(path, 'w');
  for (let size = 1024 * 1024; size >= 1; ) {
    try {
      writeSync(file, Buffer.alloc(size));
    } catch {
      size = Math.floor(size / 2);
    }
  }
  closeSync(file);
}

/** From when it resolves, fsync and fdatasync of the process fail with EIO, until strace is ended. */
async function breakSync(pid: number): Promise<ChildProcess> {
  const strace = spawn('strace', ['-f', '-p', String(pid), '-e', 'trace=fsync,fdatasync', '-e', 'inject=fsync,fdatasync:error=EIO', '-o', '/dev/null'], { stdio: ['ignore', 'ignore', 'pipe'] });
  let said = '';
  strace.stderr.on('data', (chunk: Buffer) => { said += chunk.toString(); });
  await until(() => (said.includes('attached') ? true : undefined), 'strace to be attached');
  return strace;
}

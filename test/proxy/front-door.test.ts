import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { Agent, get } from 'node:http';
import { connect, createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from '@jest/globals';
import { FrontDoor } from '../../plugins/proxy/front-door/front-door.js';
import type { Setup } from '../../plugins/proxy/front-door/setup.js';
import { freePort } from '../support/free-port.js';
import { until } from '../support/until.js';
import { exchangeRaw } from './support/raw-client.js';
import { smallAnswer, startRawBackend, type RawBackend } from './support/raw-backend.js';
import { endpointsAt, route, tableOf } from './support/test-proxy.js';

const cleanUps: (() => unknown)[] = [];

afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

interface Place { readonly folder: string; readonly port: number; readonly setup: Setup; readonly drained: string[]; readonly open: (change?: Partial<Setup>) => Promise<FrontDoor> }

async function place(of: Partial<Setup> = {}, name = 'hive-door-'): Promise<Place> {
  const folder = mkdtempSync(join(tmpdir(), name));
  const port = await freePort();
  const setup: Setup = { bind: [`127.0.0.1:${port}`], workers: 1, accessLog: null, drainLimitMs: 30_000, code: 'one', ...of };
  const drained: string[] = [];
  cleanUps.push(async () => {
    // Whatever a test has left: everything that has this folder as its working directory is its own.
    await until(() => {
      const left = processesIn(folder);
      for (const pid of left) killIfThere(pid);
      return left.length === 0 ? true : undefined;
    }, 'everything to be gone');
    rmSync(folder, { recursive: true, force: true });
  });
  const open = async (change: Partial<Setup> = {}): Promise<FrontDoor> => {
    const door = await FrontDoor.open({ folder, setup: { ...setup, ...change }, onDrained: (id) => void drained.push(id), log: () => {} });
    cleanUps.push(() => door.detach());
    return door;
  };
  return { folder, port, setup, drained, open };
}

function processesIn(folder: string): number[] {
  return readdirSync('/proc').filter((name) => /^\d+$/.test(name)).map(Number).filter((pid) => {
    try {
      return readFileSync(`/proc/${pid}/environ`, 'utf8').includes(`"folder":"${folder}"`);
    } catch {
      return false;
    }
  });
}

const workersIn = (folder: string): number[] => processesIn(folder).filter((pid) => {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0')[0] === process.execPath;
  } catch {
    return false;
  }
});

async function backendThat(answer?: Parameters<typeof startRawBackend>[0]): Promise<RawBackend> {
  const backend = await startRawBackend(answer);
  cleanUps.push(() => backend.close());
  return backend;
}

const ask = async (port: number): Promise<string> => (await exchangeRaw(port, 'GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n')).text;

/** Asks again and again, each time on a new connection, and counts what became of it. */
function load(port: number): { stop: () => Promise<{ ok: number; refused: number; lost: number }> } {
  const counts = { ok: 0, refused: 0, lost: 0 };
  let isOver = false;
  const one = (): Promise<void> => new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    let text = '';
    let isConnected = false;
    socket.on('connect', () => {
      isConnected = true;
      socket.write('GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
    });
    socket.on('data', (bytes) => (text += bytes.toString()));
    socket.on('error', () => {});
    socket.on('close', () => {
      if (!isConnected) counts.refused++;
      else if (text.startsWith('HTTP/1.1 200') && text.endsWith('ok')) counts.ok++;
      else counts.lost++;
      resolve();
    });
  });
  const lanes = Array.from({ length: 8 }, async () => {
    while (!isOver) await one();
  });
  return {
    stop: async () => {
      isOver = true;
      await Promise.all(lanes);
      return counts;
    },
  };
}

/** As `load`, but each of its clients keeps its connection for as long as it may. */
function keepAliveLoad(port: number): ReturnType<typeof load> {
  const counts = { ok: 0, refused: 0, lost: 0 };
  const agent = new Agent({ keepAlive: true });
  let isOver = false;
  const one = (): Promise<void> => new Promise((resolve) => {
    const asked = get({ host: '127.0.0.1', port, agent }, (response) => {
      let text = '';
      response.on('data', (bytes: Buffer) => (text += bytes.toString()));
      response.on('close', () => {
        counts[text === 'ok' ? 'ok' : 'lost']++;
        resolve();
      });
    });
    asked.on('error', ({ code }: NodeJS.ErrnoException) => {
      counts[code === 'ECONNREFUSED' ? 'refused' : 'lost']++;
      resolve();
    });
  });
  const lanes = Array.from({ length: 4 }, async () => {
    while (!isOver) await one();
  });
  return {
    stop: async () => {
      isOver = true;
      await Promise.all(lanes);
      agent.destroy();
      return counts;
    },
  };
}

describe('the front door', () => {
  it('serves at every address, by the table it was given, and ends with everything when told to', async () => {
    const [backend, second] = [await backendThat(), await freePort()];
    const { folder, port, setup, open } = await place();
    const door = await open({ bind: [...setup.bind, `[::1]:${second}`] });
    expect(await door.apply(tableOf(route({ endpoints: endpointsAt(backend.port) })))).toEqual({ ok: true });
    expect(await ask(port)).toMatch(/^HTTP\/1\.1 200/);
    const socket = connect(second, '::1');
    socket.write('GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
    expect(String((await once(socket, 'data'))[0])).toMatch(/^HTTP\/1\.1 200/);
    expect((await door.figures()).services['default:web']?.answers[2]).toBe(2);
    const refused = await door.apply(tableOf(route({ path: 'x' })));
    expect(refused).toMatchObject({ ok: false });
    await door.stop(1_000);
    await until(() => (processesIn(folder).length === 0 ? true : undefined), 'the processes to end');
    await expect(ask(port)).rejects.toThrow('ECONNREFUSED');
  });

  it('refuses no connection when workers are killed under load, and loses what they had in hand at most', async () => {
    const backend = await backendThat();
    const { folder, port, open } = await place({ workers: 2 });
    const door = await open();
    await door.apply(tableOf(route({ endpoints: endpointsAt(backend.port) })));
    const running = load(port);
    const kills = 6;
    for (let kill = 0; kill < kills; kill++) {
      const workers = await until(() => {
        const found = workersIn(folder);
        return found.length === 2 ? found : undefined;
      }, 'both workers to be there');
      killIfThere(workers[kill % 2] ?? 0);
      await until(() => (workersIn(folder).includes(workers[kill % 2] ?? 0) ? undefined : true), 'the worker to be gone');
    }
    const counts = await running.stop();
    expect(counts.refused).toBe(0);
    expect(counts.ok).toBeGreaterThan(100);
    // Eight lanes: a worker has at most eight requests in hand.
    expect(counts.lost).toBeLessThanOrEqual(8 * kills);
  });

  it('serves on when the plugin is killed, replaces workers without it, and is taken over by the next one', async () => {
    const backend = await backendThat();
    const { folder, port, setup, open } = await place();
    const table = tableOf(route({ endpoints: endpointsAt(backend.port) }));
    const plugin = fork(join(import.meta.dirname, 'support', 'front-door-plugin.js'), [JSON.stringify({ folder, setup, table })]);
    cleanUps.push(() => plugin.kill('SIGKILL'));
    await once(plugin, 'message');
    const running = load(port);
    await killed(plugin);
    const [worker = 0] = workersIn(folder);
    await new Promise((resolve) => setTimeout(resolve, 300));
    process.kill(worker, 'SIGKILL');
    await until(() => (workersIn(folder).some((pid) => pid !== worker) ? true : undefined), 'another worker');
    expect(await ask(port)).toMatch(/^HTTP\/1\.1 200/);
    const before = workersIn(folder);
    const door = await open();
    const next = await backendThat();
    await door.apply(tableOf(route({ endpoints: endpointsAt(next.port) })));
    expect(workersIn(folder)).toEqual(before);
    expect(await ask(port)).toMatch(/^HTTP\/1\.1 200/);
    expect(next.received.length).toBeGreaterThan(0);
    const counts = await running.stop();
    expect(counts.refused).toBe(0);
    expect(counts.lost).toBeLessThanOrEqual(8);
    await door.stop(0);
  });

  it('tells that an endpoint is drained when the last worker has let go of it', async () => {
    let finish: () => void = () => {};
    const old = await backendThat((socket) => void (finish = () => socket.write(smallAnswer)));
    const { port, drained, open } = await place({ workers: 2 });
    const door = await open();
    await door.apply(tableOf(route({ endpoints: endpointsAt(old.port) })));
    const asked = ask(port);
    await until(() => (old.received.join('').includes('GET') ? true : undefined), 'the request to arrive');
    await door.apply(tableOf(route()));
    expect(drained).toEqual([]);
    finish();
    expect(await asked).toMatch(/^HTTP\/1\.1 200/);
    await until(() => (drained.length > 0 ? true : undefined), 'the endpoint to be drained');
    expect(drained).toEqual([`at-${old.port}`]);
    // One that has no request is drained at once, and one whose worker dies with it.
    await door.apply(tableOf(route({ endpoints: endpointsAt(1) })));
    await door.apply(tableOf(route()));
    expect(drained).toEqual([`at-${old.port}`, 'at-1']);
    await door.stop(0);
  });

  it('says which address is taken, and starts nothing', async () => {
    const { folder, open } = await place();
    const taken = createServer().listen(0, '127.0.0.1');
    await once(taken, 'listening');
    cleanUps.push(() => taken.close());
    const bind = `127.0.0.1:${(taken.address() as AddressInfo).port}`;
    await expect(open({ bind: [bind] })).rejects.toMatchObject({ code: 'CONFLICT', message: `The proxy cannot listen at ${bind}: another program listens there.` });
    expect(processesIn(folder)).toEqual([]);
  });

  it('hands over to another one with other workers, settings, addresses or programs: no connection is refused, no request lost', async () => {
    const backend = await backendThat();
    const { folder, port, setup, open } = await place();
    const second = await freePort();
    let door = await open();
    await door.apply(tableOf(route({ endpoints: endpointsAt(backend.port) })));
    const running = [load(port), keepAliveLoad(port)];
    const changes: Partial<Setup>[] = [{ workers: 2 }, { drainLimitMs: 10_000 }, { bind: [`127.0.0.1:${second}`, ...setup.bind] }, {}, { code: 'two' }, { workers: 3, code: 'two' }];
    for (const change of changes) {
      const before = workersIn(folder);
      door.detach();
      door = await open(change);
      expect(await door.apply(tableOf(route({ endpoints: endpointsAt(backend.port) })))).toEqual({ ok: true });
      await until(() => (workersIn(folder).some((pid) => before.includes(pid)) ? undefined : true), 'the workers of before to be done');
      expect(workersIn(folder)).toHaveLength(change.workers ?? 1);
      if (change.bind !== undefined) expect(await ask(second)).toMatch(/^HTTP\/1\.1 200/);
      // What is listened at no more is refused, and not left waiting.
      else await expect(ask(second)).rejects.toThrow('ECONNREFUSED');
    }
    for (const one of running) {
      const counts = await one.stop();
      expect(counts).toMatchObject({ refused: 0, lost: 0 });
      expect(counts.ok).toBeGreaterThan(100);
    }
    await door.stop(0);
    await until(() => (processesIn(folder).length === 0 ? true : undefined), 'everything to end');
  });

  it('finishes what it had when it handed over, and tells when an endpoint is drained there', async () => {
    let finish: () => void = () => {};
    const old = await backendThat((socket) => void (finish = () => socket.write(smallAnswer)));
    const { folder, port, drained, open } = await place();
    const first = await open();
    await first.apply(tableOf(route({ endpoints: endpointsAt(old.port) })));
    const asked = ask(port);
    await until(() => (old.received.join('').includes('GET') ? true : undefined), 'the request to arrive');
    first.detach();
    (await open({ code: 'two' })).detach();
    // A plugin that comes later still finds the one that retires.
    const door = await open({ code: 'two' });
    await door.apply(tableOf(route()));
    expect(door.draining).toEqual([`at-${old.port}`]);
    expect([drained, workersIn(folder).length]).toEqual([[], 2]);
    finish();
    expect(await asked).toMatch(/^HTTP\/1\.1 200/);
    await until(() => (drained.length > 0 ? true : undefined), 'the endpoint to be drained');
    await until(() => (workersIn(folder).length === 1 ? true : undefined), 'the old worker to end');
    await door.stop(0);
  });

  it('serves on as it was when an address of the next one is taken', async () => {
    const backend = await backendThat();
    const { folder, port, setup, open } = await place();
    await (await open()).apply(tableOf(route({ endpoints: endpointsAt(backend.port) })));
    const before = workersIn(folder);
    const taken = createServer().listen(0, '127.0.0.1');
    await once(taken, 'listening');
    cleanUps.push(() => taken.close());
    const bind = `127.0.0.1:${(taken.address() as AddressInfo).port}`;
    await expect(open({ bind: [...setup.bind, bind] })).rejects.toMatchObject({ code: 'CONFLICT', message: `The proxy cannot listen at ${bind}: another program listens there.` });
    expect([workersIn(folder), (await ask(port)).slice(0, 12)]).toEqual([before, 'HTTP/1.1 200']);
  });

  it('takes its own place when it is to listen at every address instead of one', async () => {
    const backend = await backendThat();
    const { folder, port, open } = await place();
    (await open()).detach();
    const door = await open({ bind: [`*:${port}`] });
    await door.apply(tableOf(route({ endpoints: endpointsAt(backend.port) })));
    expect(await ask(port)).toMatch(/^HTTP\/1\.1 200/);
    expect(workersIn(folder)).toHaveLength(1);
    await door.stop(0);
  });

  it('works in a folder whose path is too long for a socket', async () => {
    const backend = await backendThat();
    const { port, open } = await place({}, 'a-long-name-'.repeat(10));
    const door = await open();
    await door.apply(tableOf(route({ endpoints: endpointsAt(backend.port) })));
    expect(await ask(port)).toMatch(/^HTTP\/1\.1 200/);
    await door.stop(0);
  });

  it('ends when its folder is gone, also while a worker cannot start', async () => {
    const { folder, open } = await place();
    const door = await open();
    await door.apply(tableOf(route()));
    door.detach();
    rmSync(folder, { recursive: true });
    for (const pid of workersIn(folder)) killIfThere(pid);
    await until(() => (processesIn(folder).length === 0 ? true : undefined), 'everything to end');
  });

  it('takes little memory', async () => {
    const { folder, open } = await place();
    const door = await open();
    await door.apply(tableOf(route()));
    const kilobytes = processesIn(folder).map((pid) => Number(/^Pss:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8'))?.[1]));
    expect(kilobytes.reduce((sum, one) => sum + one, 0)).toBeLessThan(40_000);
    await door.stop(0);
  });
});

async function killed(child: ChildProcess): Promise<void> {
  const exited = once(child, 'exit');
  child.kill('SIGKILL');
  await exited;
}

function killIfThere(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It has ended since it was listed.
  }
}

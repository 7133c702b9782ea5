import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from '../../shared/package-root.js';
import { identityOf, type ProcessIdentity } from '../../shared/process/identity.js';
import { servicesInProc } from '../support/services-in-proc.js';
import { TestHive } from '../support/test-hive.js';
import { until } from '../support/until.js';

interface Written { boot: string; shim: number; shimStart: number; incarnation: string; service: number; start: number }

/** Whom a record points at, in the place of the process that it was written about. */
const forgeries: Record<string, (stranger: ProcessIdentity, true_: Written) => string> = {
  'the pid of its service belongs to somebody else by now': ({ pid }, { boot, shim, shimStart, incarnation, start }) => `shim ${boot} ${shim} ${shimStart} ${incarnation}\nservice ${pid} ${start}\n`,
  'the pids of its service and its shim belong to somebody else by now': ({ pid }, { boot, shimStart, incarnation, start }) => `shim ${boot} ${pid} ${shimStart} ${incarnation}\nservice ${pid} ${start}\n`,
  'it was written before a reboot, and the same pid started at the same tick': ({ pid, startTicks }, { incarnation }) =>
    `shim 00000000-0000-4000-8000-000000000000 ${pid} ${startTicks} ${incarnation}\nservice ${pid} ${startTicks}\n`,
  'somebody edited it to name a process that is not its own, exactly': ({ pid, startTicks }, { boot, shim, shimStart, incarnation }) => `shim ${boot} ${shim} ${shimStart} ${incarnation}\nservice ${pid} ${startTicks}\n`,
  'somebody edited it to name a process that is not its own as shim': ({ pid, startTicks }, { boot, incarnation }) => `shim ${boot} ${pid} ${startTicks} ${incarnation}\n`,
  'it is garbage': () => '\0\0\0 shim service exit\n\nexit\n',
};

describe('promise 4: no signal ever reaches a process that is not ours', () => {
  let hive: TestHive;
  let stranger: ChildProcess;
  let notes: string;

  beforeEach(async () => {
    hive = await TestHive.started();
    notes = join(hive.home, 'signals');
    stranger = spawn(join(packageRoot(), 'test/fixtures/notes-signals.sh'), [notes], { detached: true, stdio: ['ignore', 'pipe', 'ignore'] });
    await once(stranger.stdout as NodeJS.ReadableStream, 'data');
  });
  afterEach(async () => {
    stranger.kill('SIGKILL');
    await hive.end();
  });

  const record = (): string => join(hive.home, 'run/shop/web/1/record');
  const expectUntouched = (): void => {
    expect(stranger.exitCode ?? stranger.signalCode).toBeNull();
    expect(existsSync(notes) ? readFileSync(notes, 'utf8') : '').toBe('');
  };

  it.each(Object.keys(forgeries))('when, in a run record, %s', async (what) => {
    await hive.addSource('shop', 'version: "1"\nservices:\n  web:\n    runner: {type: script, script: {run: "exec sleep 1000"}}\n    restart: {policy: always, delay: 20ms}\n    stop: {grace: 300ms}\n');
    await hive.client.startService({ source: 'shop' });
    await hive.client.waitForService({ fqn: 'shop:web', for: 'running' });
    await hive.kill();
    const written = read(readFileSync(record(), 'utf8'));
    process.kill(written.shim, 'SIGKILL');
    process.kill(written.service, 'SIGKILL');
    await until(() => (identityOf(written.service) === null && identityOf(written.shim) === null ? true : undefined), 'service and shim to be gone');
    const identity = identityOf(stranger.pid ?? 0);
    if (identity === null) throw new Error('the stranger is gone');
    writeFileSync(record(), (forgeries[what] as (typeof forgeries)[string])(identity, written));

    await hive.start();
    expectUntouched();
    // The stranger is not taken for the service either: that one runs anew.
    const { instances } = await hive.serviceWhen('shop:web', ({ state }) => state === 'running');
    await until(() => (servicesInProc(hive.home).pids.get('shop:web') === instances[0]?.pid ? true : undefined), 'the service to be what is said to run');
    expect(instances[0]?.pid).not.toBe(stranger.pid);
    expect(instances[0]?.lastExit).toMatchObject({ code: null, signal: null, unknown: expect.any(String) as unknown });
    await hive.client.restartService({ fqn: 'shop:web' });
    await hive.serviceWhen('shop:web', ({ state, instances: [now] }) => state === 'running' && now?.pid !== instances[0]?.pid);
    await hive.client.stopService({ fqn: 'shop:web' });
    await hive.client.waitForService({ fqn: 'shop:web', for: 'stopped' });
    await hive.client.removeSource({ name: 'shop' });
    expectUntouched();
  });

  it('while the daemon runs: the service and its shim are gone, and their record is changed before it looks', async () => {
    await hive.addSource('shop', 'version: "1"\nservices:\n  web:\n    runner: {type: script, script: {run: "exec sleep 1000"}}\n    stop: {grace: 300ms}\n');
    await hive.client.startService({ source: 'shop' });
    await hive.client.waitForService({ fqn: 'shop:web', for: 'running' });
    const written = read(readFileSync(record(), 'utf8'));
    const identity = identityOf(stranger.pid ?? 0) as ProcessIdentity;
    process.kill(hive.pid, 'SIGSTOP');
    process.kill(written.shim, 'SIGKILL');
    process.kill(written.service, 'SIGKILL');
    writeFileSync(record(), `shim ${written.boot} ${identity.pid} ${identity.startTicks} ${written.incarnation}\nservice ${identity.pid} ${written.start}\n`);
    process.kill(hive.pid, 'SIGCONT');
    await hive.client.stopService({ fqn: 'shop:web' });
    await hive.client.waitForService({ fqn: 'shop:web', for: 'stopped' });
    expectUntouched();
  });
});

function read(text: string): Written {
  const [shim = [], service = []] = text.split('\n').map((line) => line.split(' '));
  return { boot: shim[1] ?? '', shim: Number(shim[2]), shimStart: Number(shim[3]), incarnation: shim[4] ?? '', service: Number(service[1]), start: Number(service[2]) };
}

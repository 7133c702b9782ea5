import { afterEach, describe, expect, it } from '@jest/globals';
import { appendFileSync, chmodSync, existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { largestOutputFile } from '../../plugin-host/captured-output.js';
import { identityOf } from '../../shared/process/identity.js';
import { readProcess } from '../../shared/process/proc-table.js';
import { dropFixture, dropFolder, examples, fixtures } from './drop-in.js';
import { TinyDaemon } from './tiny-daemon.js';
import { until } from './until.js';

let daemon: TinyDaemon;
afterEach(() => daemon.stop());

const goneHost = async (): Promise<number> => {
  const host = await until('there is a host', () => daemon.plugins.hostPid);
  process.kill(host, 'SIGKILL');
  return host;
};
const newHost = (old: number): Promise<number> => until('there is another host', () => (daemon.plugins.hostPid !== old ? daemon.plugins.hostPid : null));

describe('the plugin host dies', () => {
  it('plugins keep their process and their link, and the next host watches over them', async () => {
    daemon = await TinyDaemon.start();
    dropFixture(daemon.pluginsFolder, 'behaves');
    const { pid } = await daemon.state('behaves', 'ready');
    const second = await newHost(await goneHost());
    await until('the new host has reported', () => readFileSync(join(daemon.home, 'logs/.plugins/host.log'), 'utf8').includes(`took over process ${pid}`));
    expect(await daemon.state('behaves', 'ready')).toMatchObject({ pid, restarts: 0 });
    expect(daemon.events('plugin.stopped')).toEqual([]);

    // What it took over, it watches: by looking, since it is not the parent.
    process.kill(pid as number, 'SIGKILL');
    const again = await until('it is started again', () => { const now = daemon.plugins.get('behaves'); return now.state === 'ready' && now.pid !== pid ? now : null; });
    expect(again.restarts).toBe(1);
    expect(daemon.plugins.hostPid).toBe(second);

    // And ends.
    await daemon.plugins.disable('behaves');
    await until('it is gone', () => identityOf(again.pid as number) === null);
  });

  it('a plugin that dies together with the host is started again', async () => {
    daemon = await TinyDaemon.start();
    dropFixture(daemon.pluginsFolder, 'behaves');
    const { pid } = await daemon.state('behaves', 'ready');
    const host = daemon.plugins.hostPid as number;
    process.kill(host, 'SIGSTOP');
    process.kill(pid as number, 'SIGKILL');
    process.kill(host, 'SIGKILL');
    await until('it is started again', () => { const now = daemon.plugins.get('behaves'); return now.state === 'ready' && now.pid !== pid; });
  });

  it('dies while plugins start, thirty times: never two of one plugin, and all come up', async () => {
    daemon = await TinyDaemon.start();
    for (const name of ['behaves', 'starts-slowly']) dropFixture(daemon.pluginsFolder, name, {}, '2');
    for (let kills = 0; kills < 30; kills++) {
      await delay(40 + 10 * kills);
      const host = daemon.plugins.hostPid;
      if (host !== null) process.kill(host, 'SIGKILL');
    }
    const alive = [await daemon.state('behaves', 'ready'), await daemon.state('starts-slowly', 'ready')].map(({ pid }) => pid);
    const started = daemon.events('plugin.started').flatMap((event) => (event.type === 'plugin.started' ? [event.pid] : []));
    await until('only the last ones live', () => started.every((pid) => alive.includes(pid) || identityOf(pid) === null));
  }, 90_000);

  it('the daemon dies: plugins end with their links, and the next daemon starts them anew, once', async () => {
    daemon = await TinyDaemon.start();
    dropFixture(daemon.pluginsFolder, 'behaves');
    const { pid } = await daemon.state('behaves', 'ready');
    await daemon.stop(true);
    expect(identityOf(pid as number)).toBeNull();
    daemon = await TinyDaemon.start({ home: daemon.home });
    expect((await daemon.state('behaves', 'ready')).pid).not.toBe(pid);
  });

  it('a host that hangs is replaced', async () => {
    daemon = await TinyDaemon.start({ timings: { pingIntervalMs: 100, secondChanceMs: 200 } });
    dropFixture(daemon.pluginsFolder, 'behaves');
    const { pid } = await daemon.state('behaves', 'ready');
    const host = daemon.plugins.hostPid as number;
    process.kill(host, 'SIGSTOP');
    await newHost(host);
    expect(await daemon.state('behaves', 'ready')).toMatchObject({ pid });
  });
});

describe('quarantine', () => {
  it('survives host and daemon, and ends when somebody says so', async () => {
    daemon = await TinyDaemon.start();
    dropFixture(daemon.pluginsFolder, 'crashes-at-start');
    const { reason } = await daemon.state('crashes-at-start', 'quarantined');
    await newHost(await goneHost());
    await delay(200);
    expect(daemon.plugins.get('crashes-at-start').state).toBe('quarantined');
    await daemon.stop(true);
    daemon = await TinyDaemon.start({ home: daemon.home });
    expect(await daemon.state('crashes-at-start', 'quarantined')).toMatchObject({ reason });
    expect(daemon.events('plugin.started')).toHaveLength(5);
    await daemon.plugins.restart('crashes-at-start');
    await until('it is tried again', () => daemon.events('plugin.started').length > 5);
  });

  it('ends when the plugin is replaced by another version', async () => {
    daemon = await TinyDaemon.start();
    writeFileSync(join(daemon.pluginsFolder, 'tool'), '#!/bin/sh\nexit 1\n', { mode: 0o700 });
    await daemon.state('tool', 'quarantined');
    writeFileSync(join(daemon.pluginsFolder, 'tool'), `#!/bin/sh\nexec python3 ${join(fixtures, 'behaves.py')}\n`);
    await daemon.state('tool', 'ready');
  });
});

describe('the plugins folder', () => {
  it('a file that is still being written is not started', async () => {
    const settleMs = 1_000;
    daemon = await TinyDaemon.start({ timings: { settleMs } });
    const path = join(daemon.pluginsFolder, 'growing');
    const writtenAt: number[] = [];
    const append = (text: string): void => {
      appendFileSync(path, text);
      writtenAt.push(statSync(path).mtimeMs);
    };
    writeFileSync(path, '#!/bin/sh\n', { mode: 0o700 });
    for (let lines = 0; lines < 15; lines++) {
      await delay(80);
      append('# still coming\n');
    }
    append(`exec python3 ${join(fixtures, 'behaves.py')}\n`);
    await daemon.state('growing', 'ready');
    // Whoever is kept from writing for a second by a busy machine has stopped writing, as far as anybody can tell.
    for (const { time } of daemon.events('plugin.started')) {
      const startedAt = Date.parse(time);
      const last = Math.max(...writtenAt.filter((at) => at < startedAt));
      expect(startedAt - last).toBeGreaterThanOrEqual(settleMs - 1);
    }
  });

  it('a file that gets its run bit is started; one that is removed is stopped and forgotten', async () => {
    daemon = await TinyDaemon.start();
    const path = join(daemon.pluginsFolder, 'tool');
    writeFileSync(path, `#!/bin/sh\nexec python3 ${join(fixtures, 'behaves.py')}\n`, { mode: 0o600 });
    expect((await daemon.plugins.reload()).skipped).toEqual([{ entry: 'tool', reason: 'It has no run bit: chmod +x makes it a plugin.' }]);
    chmodSync(path, 0o700);
    const { pid } = await daemon.state('tool', 'ready');
    rmSync(path);
    await until('it is forgotten', () => !daemon.plugins.list().some(({ id }) => id === 'tool'));
    expect(identityOf(pid as number)).toBeNull();
    await until('it is journalled', () => daemon.events('plugin.stopped').length === 1);
  });

  it('a manifest that changes restarts its plugin with the new one', async () => {
    daemon = await TinyDaemon.start();
    dropFixture(daemon.pluginsFolder, 'behaves');
    const { pid } = await daemon.state('behaves', 'ready');
    const manifest = join(daemon.pluginsFolder, 'behaves', 'hive-plugin.json');
    writeFileSync(manifest, JSON.stringify({ ...JSON.parse(readFileSync(manifest, 'utf8')) as object, grants: ['read'] }));
    const changed = await until('it runs anew', () => { const now = daemon.plugins.get('behaves'); return now.state === 'ready' && now.pid !== pid ? now : null; });
    expect(changed.grants).toEqual(['read']);
  });
});

describe('a plugin process', () => {
  it('gets an allow-listed environment, a session and a data folder of its own, and nothing open but its output and its link', async () => {
    process.env['ACME_TEST_REGION'] = 'nowhere';
    process.env['SECRET_OF_THE_DAEMON'] = 'hunter2';
    daemon = await TinyDaemon.start();
    dropFolder(daemon.pluginsFolder, 'notes', { command: ['./restart-notes'], environment: ['ACME_TEST_*'] }, join(examples, 'sh'));
    const { pid } = await daemon.state('notes', 'ready');
    const environment = readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0').filter((entry) => entry !== '');
    const data = daemon.dataOf('notes');
    expect(environment).toEqual(expect.arrayContaining(['HIVE_FD=3', 'HIVE_PLUGIN=notes', `HIVE_PLUGIN_DATA=${data}`, `HIVE_HOME=${daemon.home}`, 'ACME_TEST_REGION=nowhere']));
    for (const entry of environment) {
      expect(entry).toMatch(/^(PATH|HOME|USER|LOGNAME|SHELL|TMPDIR|TZ|LANG|LC_\w+|XDG_RUNTIME_DIR|MALLOC_ARENA_MAX|SSL_\w+|NODE_EXTRA_CA_CERTS|\w+_(PROXY|proxy)|ACME_TEST_REGION|HIVE_(FD|HOME|PLUGIN|PLUGIN_DATA|PLUGIN_RUN))=/);
    }
    // 10 and above: the shell's own, for the script it reads.
    expect(readdirSync(`/proc/${pid}/fd`).map(Number).filter((descriptor) => descriptor < 10)).toEqual([0, 1, 2, 3]);
    expect(readProcess(pid as number)).toMatchObject({ sessionId: pid, groupId: pid });
    expect(statSync(data).mode & 0o777).toBe(0o700);
    delete process.env['ACME_TEST_REGION'];
    delete process.env['SECRET_OF_THE_DAEMON'];
  });

  it('may connect by itself, with a token that works once', async () => {
    daemon = await TinyDaemon.start();
    const python = join(fixtures, '../../../examples/plugins/python/health-log.py');
    dropFolder(daemon.pluginsFolder, 'by-token', { command: [python], connect: 'token' });
    await daemon.state('by-token', 'ready');
    await daemon.plugins.disable('by-token');
    await until('it has stopped', () => daemon.plugins.get('by-token').pid === null);
    await daemon.plugins.enable('by-token');
    await daemon.state('by-token', 'ready');
    expect(daemon.events('plugin.crashed')).toEqual([]);
  });

  it('has its output in files, of which one run after the other is bounded', async () => {
    daemon = await TinyDaemon.start();
    dropFixture(daemon.pluginsFolder, 'crashes-at-start');
    await daemon.state('crashes-at-start', 'quarantined');
    const folder = join(daemon.home, 'logs', '.plugins', 'crashes-at-start');
    expect(readFileSync(join(folder, 'stdout.log'), 'utf8')).toBe('about to crash\n'.repeat(5));
    writeFileSync(join(folder, 'stdout.log'), Buffer.alloc(6 * 2 ** 20));
    await daemon.plugins.restart('crashes-at-start');
    await until('it was put aside', () => existsSync(join(folder, 'stdout.log.1')));
  });

  it('may write without end: the newest of it is kept, and the host watches as before', async () => {
    daemon = await TinyDaemon.start();
    dropFixture(daemon.pluginsFolder, 'floods-its-output');
    const folder = join(daemon.home, 'logs', '.plugins', 'floods-its-output');
    const counter = join(daemon.dataOf('floods-its-output'), 'megabytes');
    const written = (): number => (existsSync(counter) ? Number(readFileSync(counter, 'utf8')) : 0);
    const kept = (): number => readdirSync(folder).reduce((sum, file) => sum + statSync(join(folder, file)).size, 0);
    await until('much was written', () => written() > 60, () => `${written()} MB`, 60_000);
    await until('little of it is kept', () => kept() < 16 * 2 ** 20, () => `${kept()} bytes`);
    expect(statSync(join(folder, 'stdout.log.1')).size).toBeLessThanOrEqual(largestOutputFile);
    // Whole lines, the first one too.
    expect(readFileSync(join(folder, 'stdout.log.1'), 'utf8').slice(0, 100)).toMatch(/^line \d+ x+\n/);
    expect(await daemon.state('floods-its-output', 'ready')).toMatchObject({ restarts: 0 });
  });
});

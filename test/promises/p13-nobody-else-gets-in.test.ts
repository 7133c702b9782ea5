import { afterEach, describe, expect, it } from '@jest/globals';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, chownSync, existsSync, lstatSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { daemonProgram, TestHive } from '../support/test-hive.js';

const isRoot = process.getuid?.() === 0;
if (!isRoot) process.stdout.write('Skipped: what needs a second user. It takes root to become one.\n');
const asRoot = isRoot ? it : it.skip;

const somebodyElse = 65534;

/** Executes its arguments with a umask that closes nothing, and with a descriptor that nobody asked for. */
const careless = ['/bin/bash', '-c', 'umask 000; exec 7</dev/null; exec "$@"', 'careless'];

const stack = `version: "1"
services:
  web:
    runner:
      type: script
      script: {run: 'umask > umask.web; echo x > made-by-web; exec sleep 1000'}
    build: {command: 'umask > umask.build; echo building', when: always}
    healthcheck: {type: cmd, cmd: {command: 'umask > umask.check; exit 0'}, interval: 200ms}
`;

describe('promise 13: nobody else gets in', () => {
  let hive: TestHive | null = null;
  const folders: string[] = [];
  const scratch = (): string => {
    const folder = mkdtempSync(join(tmpdir(), 'hive-p13-'));
    folders.push(folder);
    return folder;
  };
  afterEach(async () => {
    await hive?.end();
    hive = null;
    for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
  });

  /** A daemon under umask 000 with everything that makes files: services, a build, checks, a database, a plugin's folder. */
  const busyHive = async (): Promise<{ hive: TestHive; project: string }> => {
    const project = join(scratch(), 'shop');
    mkdirSync(join(project, '.adi'), { recursive: true });
    writeFileSync(join(project, '.adi/hive.yaml'), stack);
    hive = await TestHive.started({}, careless);
    await hive.client.addSource({ path: project, name: 'shop' });
    await hive.client.createService({ source: 'cocoons', name: 'job', config: { runner: { type: 'script', script: { run: 'exec sleep 1000' } } } });
    await hive.client.startService({ source: 'shop' });
    await hive.client.startService({ fqn: 'cocoons:job' });
    await hive.client.waitForService({ fqn: 'shop:web', for: 'healthy' });
    await hive.client.waitForService({ fqn: 'cocoons:job', for: 'running' });
    return { hive, project };
  };

  it('leaves no file in the home open to others under umask 000', async () => {
    const { hive: { home } } = await busyHive();
    const all = ['', ...(readdirSync(home, { recursive: true }) as string[])].map((name) => join(home, name));
    const open = all.filter((path) => (lstatSync(path, { throwIfNoEntry: false })?.mode ?? 0) & 0o077 && !lstatSync(path).isSymbolicLink());
    expect(open).toEqual([]);
    expect(all.length).toBeGreaterThan(15);
    for (const name of ['hive.sock', 'hive.pid', 'hive.lock', 'hived.log', 'state.db', 'state.db-wal', 'cocoons.db']) expect(all).toContain(join(home, name));
  });

  it('runs services, their builds and their checks with the umask hived was started with, and with no descriptor but 0, 1 and 2', async () => {
    const { hive: busy, project } = await busyHive();
    const said = (name: string): string => readFileSync(join(project, name), 'utf8').trim();
    expect(['umask.web', 'umask.build', 'umask.check'].map(said)).toEqual(['0000', '0000', '0000']);
    expect(statSync(join(project, 'made-by-web')).mode & 0o777).toBe(0o666);
    const { instances } = await busy.service('shop:web');
    expect(readdirSync(`/proc/${busy.pid}/fd`)).toContain('7');
    expect(readdirSync(`/proc/${instances[0]?.pid}/fd`).sort()).toEqual(['0', '1', '2']);
  });

  asRoot('lets no other user connect, list or read anything', async () => {
    const { hive: { home } } = await busyHive();
    const paths = ['', 'hive.sock', 'hive.pid', 'hived.log', 'state.db', 'run', 'logs', 'plugins', 'plugin-data', 'logs/shop/web/1.stdout.log', 'run/shop/web/1/record'].map((name) => join(home, name));
    for (const path of paths) expect([path, existsSync(path)]).toEqual([path, true]);
    const attempts = await attemptsOfSomebodyElse(home, paths);
    expect(attempts).toEqual({
      connected: 'EACCES',
      listed: paths.map(() => 'EACCES'),
      // The home itself can be looked at from its parent, and no further.
      looked: paths.map((path) => (path === home ? 'done' : 'EACCES')),
      read: paths.map(() => 'EACCES'),
      written: paths.map((path) => (path === home ? 'EISDIR' : 'EACCES')),
    });
  });

  asRoot('lets no other user read the environment or memory of a service', async () => {
    const { hive: busy } = await busyHive();
    const { instances } = await busy.service('shop:web');
    const attempts = await attemptsOfSomebodyElse('/', [`/proc/${instances[0]?.pid}/environ`, `/proc/${instances[0]?.pid}/mem`, `/proc/${busy.pid}/environ`]);
    expect(attempts.read).toEqual(['EACCES', 'EACCES', 'EACCES']);
  });

  describe('refuses', () => {
    const refused = async (home: string, sentence: RegExp, code = 'HOME_REFUSED'): Promise<void> => {
      const daemon = spawn(process.execPath, [daemonProgram, '--home', home], { stdio: ['ignore', 'pipe', 'pipe'] });
      let printed = '';
      daemon.stdout.on('data', (chunk: Buffer) => { printed += chunk.toString(); });
      daemon.stderr.on('data', (chunk: Buffer) => { printed += chunk.toString(); });
      const [exitCode] = (await once(daemon, 'close')) as [number | null];
      expect(printed).toMatch(sentence);
      expect(printed).toContain(`[${code}]`);
      expect(exitCode).toBe(1);
    };

    it('a home that is a symlink', async () => {
      const folder = scratch();
      mkdirSync(join(folder, 'real'), { mode: 0o700 });
      symlinkSync(join(folder, 'real'), join(folder, 'home'));
      await refused(join(folder, 'home'), /home is a symlink.*Set HIVE_HOME to the folder it points to, or remove it: rm .*home/);
      expect(readdirSync(join(folder, 'real'))).toEqual([]);
    });

    it('a home that is a symlink to nothing', async () => {
      const folder = scratch();
      symlinkSync(join(folder, 'nowhere'), join(folder, 'home'));
      await refused(join(folder, 'home'), /home is a symlink/);
      expect(existsSync(join(folder, 'nowhere'))).toBe(false);
    });

    it('a home that is a file', async () => {
      const folder = scratch();
      writeFileSync(join(folder, 'home'), 'text');
      await refused(join(folder, 'home'), /home is not a folder.*mv .*home .*home\.old/);
    });

    asRoot('a home that belongs to somebody else', async () => {
      const folder = scratch();
      chownSync(folder, somebodyElse, somebodyElse);
      await refused(folder, /belongs to user 65534, and this is user 0.*chown 0 /);
    });

    it('a home that others can write', async () => {
      await Promise.all([0o777, 0o1777, 0o730, 0o702].map(async (mode) => {
        const folder = scratch();
        chmodSync(folder, mode);
        await refused(folder, /can be written by others.*chmod 700 /);
        expect(readdirSync(folder)).toEqual([]);
      }));
    });

    it('a symlink in place of anything it makes, and leaves what that points to alone', async () => {
      const names = ['hive.sock', 'hive.pid', 'hive.pid.new', 'hive.lock', 'hived.log', 'state.db', 'state.db-wal', 'state.db-shm', 'cocoons.db', 'run', 'logs', 'plugins', 'plugin-data'];
      await Promise.all(names.map(async (name) => {
        const folder = scratch();
        const target = join(scratch(), 'target');
        symlinkSync(target, join(folder, name));
        await refused(folder, new RegExp(`${name.replaceAll('.', '\\.')} is a symlink.*rm .*${name.replaceAll('.', '\\.')}`));
        expect(existsSync(target)).toBe(false);
        expect(readdirSync(folder)).toEqual([name]);
      }));
    });

    asRoot('files of somebody else in place of its own', async () => {
      const folder = scratch();
      writeFileSync(join(folder, 'state.db'), '');
      chownSync(join(folder, 'state.db'), somebodyElse, somebodyElse);
      await refused(folder, /state\.db belongs to user 65534.*chown 0 .*state\.db/);
    });

    it('a file in place of the socket', async () => {
      const folder = scratch();
      writeFileSync(join(folder, 'hive.sock'), 'text');
      await refused(folder, /hive\.sock is there and is not a socket.*mv .*hive\.sock .*hive\.sock\.old/);
    });

    it('a socket path over 107 bytes, before it makes anything', async () => {
      const folder = scratch();
      const home = join(folder, 'h'.repeat(107 - Buffer.byteLength(join(folder, 'hive.sock'))));
      await refused(home, /takes 108 bytes; the system allows 107.*Set HIVE_HOME to a shorter path/, 'TOO_LARGE');
      expect(readdirSync(folder)).toEqual([]);
    });
  });

  it('closes a home that others could only look into', async () => {
    const open = new TestHive();
    hive = open;
    chmodSync(open.home, 0o755);
    await open.start();
    expect(statSync(open.home).mode & 0o777).toBe(0o700);
  });
});

interface Attempts { connected: string; listed: string[]; looked: string[]; read: string[]; written: string[] }

/** What another user can do with paths and with the socket of a home: `done`, or the error. */
async function attemptsOfSomebodyElse(home: string, paths: readonly string[]): Promise<Attempts> {
  const program = `
    const fs = require('node:fs');
    const [home, ...paths] = JSON.parse(process.argv[1]);
    const attempt = (act) => paths.map((path) => { try { act(path); return 'done'; } catch (error) { return error.code; } });
    const told = {
      listed: attempt((path) => fs.readdirSync(path)),
      looked: attempt((path) => fs.statSync(path)),
      read: attempt((path) => fs.readFileSync(path)),
      written: attempt((path) => fs.openSync(path, 'a')),
    };
    const socket = require('node:net').createConnection(home + '/hive.sock');
    const say = (connected) => { console.log(JSON.stringify({ connected, ...told })); socket.destroy(); };
    socket.once('connect', () => say('done')).once('error', (error) => say(error.code));
  `;
  const child = spawn(process.execPath, ['-e', program, JSON.stringify([home, ...paths])], { uid: somebodyElse, gid: somebodyElse, cwd: '/', stdio: ['ignore', 'pipe', 'inherit'] });
  let said = '';
  child.stdout.on('data', (chunk: Buffer) => { said += chunk.toString(); });
  await once(child, 'close');
  return JSON.parse(said) as Attempts;
}

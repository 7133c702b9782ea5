import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { execFileSync } from 'node:child_process';
import { chmodSync, copyFileSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { quoteForShell } from '../../daemon/runner/script/launch-file.js';
import type { HiveError } from '../../shared/errors/hive-error.js';
import { TestingHome, until } from './testing-home.js';

let home: TestingHome;
beforeEach(() => {
  home = new TestingHome();
});
afterEach(() => home.dispose());

const refusal = async (attempt: Promise<unknown>): Promise<HiveError> =>
  attempt.then(
    () => Promise.reject(new Error('It was started.')),
    (error: unknown) => error as HiveError,
  );

describe('what a service is started with', () => {
  const hostile: Record<string, string> = {
    QUOTES: `it's "quoted" '\\''`,
    LINES: 'one\ntwo\r\n\n',
    COMMANDS: '$(touch /tmp/hive-was-here) `id` ${HOME} !! ; & | > <',
    BACKSLASHES: '\\ \\n \\\\ \\',
    BYTES: Array.from({ length: 255 }, (_, index) => String.fromCodePoint(index + 1)).join(''),
    EMPTY: '',
    UNICODE: 'ä 漢字 🐝 \u0081\u0082\u0088 \ufffd',
    IFS: 'abc',
    PATH: '/nowhere:/usr/bin:/bin',
    UID: '12345',
    PPID: 'x',
    OPTIND: 'not a number',
    RANDOM: '4',
    _: 'underscore',
    LC_ALL: 'C.UTF-8',
    hive_folder: 'mine',
    service: 'mine too',
    pid: '1',
    env: '/bin/false',
    LONG: 'x'.repeat(100_000),
  };

  it.each([[['/bin/dash']], [['/bin/bash', '--norc', '--posix']], [['/bin/busybox', 'sh']]])('arrives byte for byte through %j', async (shell) => {
    const runner = home.runner({ launcherShell: shell });
    await runner.adopt();
    const run = `#!${process.execPath}\nconst { environ } = { environ: require('fs').readFileSync('/proc/self/environ') };\nprocess.stdout.write(environ);`;
    await runner.launch(home.request('web', run, { environment: hostile, stderrPath: path.join(home.folder, 'errors') }));
    await until('it has ended', () => runner.exits.length === 1);
    expect(readFileSync(path.join(home.folder, 'errors'), 'utf8')).toBe('');
    const seen = Object.fromEntries(home.said('web').split('\0').filter((entry) => entry !== '').map((entry) => [entry.slice(0, entry.indexOf('=')), entry.slice(entry.indexOf('=') + 1)]));
    const { HIVE_INSTANCE_KEY: key, ...rest } = seen;
    expect(key).toBe(runner.exits[0]?.incarnation);
    for (const [name, value] of Object.entries(hostile)) expect([name, rest[name]]).toEqual([name, value]);
    // bash sets SHLVL whatever it is told.
    const allowed = new Set([...Object.keys(hostile), ...(shell[0] === '/bin/bash' ? ['SHLVL'] : []), 'HIVE_TEST_HOME', 'HOME', 'USER', 'LOGNAME', 'SHELL', 'LANG', 'LANGUAGE', 'TZ', 'TMPDIR']);
    expect(Object.keys(rest).filter((name) => !allowed.has(name) && !name.startsWith('LC_'))).toEqual([]);
  });

  it('has no descriptors but its own three, whatever the daemon holds', async () => {
    const runner = home.runner();
    await runner.adopt();
    await runner.launch(home.request('web', 'exec ls -l /proc/self/fd'));
    await until('it has ended', () => runner.exits.length === 1);
    const lines = home.said('web').trim().split('\n').slice(1).map((line) => line.replace(/^.* (\d+) -> /, '$1 '));
    const own = lines.filter((line) => !/^3 \/proc\/\d+\/fd$/.test(line));
    expect(own).toEqual(['0 /dev/null', `1 ${home.outputOf('web')}`, `2 ${home.outputOf('web')}`]);
  });

  it('is a session and group of its own, default signals, umask 022, the working directory, and its limit of open files', async () => {
    const runner = home.runner();
    await runner.adopt();
    mkdirSync(path.join(home.folder, "a 'folder'"));
    const instance = await runner.launch(
      home.request('web', 'cut -d" " -f1,5,6 /proc/$$/stat; grep SigIgn /proc/self/status; umask; pwd; ulimit -n; echo to-stderr >&2', {
        workingDirectory: path.join(home.folder, "a 'folder'"),
        stderrPath: path.join(home.folder, 'errors'),
        limits: { openFiles: 123 },
      }),
    );
    await until('it has ended', () => runner.exits.length === 1);
    const { pid } = instance;
    expect(home.said('web').trim().split('\n')).toEqual([`${pid} ${pid} ${pid}`, 'SigIgn:\t0000000000000000', '0022', path.join(home.folder, "a 'folder'"), '123']);
    expect(readFileSync(path.join(home.folder, 'errors'), 'utf8')).toBe('to-stderr\n');
  });

  it('appends to its output files', async () => {
    const runner = home.runner();
    await runner.adopt();
    for (const text of ['first', 'second']) {
      const request = home.request('web', `echo ${text}`);
      await runner.launch(request);
      await until('it has ended', () => runner.exits.some(({ incarnation }) => incarnation === request.incarnation));
      await runner.forget(request.ref, request.incarnation);
    }
    expect(home.said('web')).toBe('first\nsecond\n');
  });

  it('is run by the interpreter of its first line, or by the shell it asks for', async () => {
    const runner = home.runner();
    await runner.adopt();
    await runner.launch(home.request('node', `#!${process.execPath} --no-warnings\nconsole.log('node ' + process.execArgv)`));
    await runner.launch(home.request('bash', 'echo "${BASH_VERSION:+bash}"', { command: { run: 'echo "${BASH_VERSION:+bash}"', shell: '/bin/bash' } }));
    await until('both have ended', () => runner.exits.length === 2);
    expect(home.said('node')).toBe('node --no-warnings\n');
    expect(home.said('bash')).toBe('bash\n');
  });
});

describe('a secret in the environment', () => {
  it('is on no command line and in no file once the service is up', async () => {
    const runner = home.runner();
    await runner.adopt();
    const secret = 'sEcReT-3141592653';
    await runner.launch(home.request('web', 'exec sleep 1000', { environment: { TOKEN: secret } }));
    expect(execFileSync('ps', ['-eo', 'args'], { encoding: 'utf8' })).not.toContain(secret);
    const files = readdirSync(home.folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
    expect(files.length).toBeGreaterThan(1);
    for (const file of files) expect(readFileSync(path.join(file.parentPath, file.name), 'utf8')).not.toContain(secret);
  });

  it('is emptied by the shim itself, though the daemon that ordered it is gone', async () => {
    const runner = home.runner();
    await runner.adopt();
    const launching = runner.launch(home.request('web', 'exec sleep 1000', { environment: { TOKEN: 'sEcReT' } })).catch(() => undefined);
    await until('it runs', () => home.record('web').includes('\nservice'));
    await launching;
    for (const name of readdirSync(home.runFolder('web'))) expect(readFileSync(path.join(home.runFolder('web'), name), 'utf8')).not.toContain('sEcReT');
  });
});

describe('a launch that cannot work', () => {
  const nothingStarted = (service: string): void => {
    expect(home.record(service)).toBe('');
    expect(home.services()).toEqual([]);
  };

  it.each([
    ['a missing working directory', { workingDirectory: '/nowhere/at/all' }, 'working directory /nowhere/at/all does not exist'],
    ['a file as working directory', { workingDirectory: '/etc/hostname' }, 'is not a folder'],
    ['a missing shell', { command: { run: 'true', shell: '/nowhere/zsh' } }, '/nowhere/zsh does not exist'],
    ['a missing interpreter', { command: { run: '#!/nowhere/python9\nprint(1)' } }, '/nowhere/python9 does not exist'],
    ['a relative interpreter', { command: { run: '#!python3\nprint(1)' } }, 'is no absolute path'],
    ['a shell that is a folder', { command: { run: 'true', shell: '/etc' } }, '/etc is a folder'],
    ['a shell without its run bit', { command: { run: 'true', shell: '/etc/passwd' } }, 'its mode is 0644 and its owner is uid 0'],
    ['a missing output folder', { stdoutPath: '/nowhere/out.log' }, 'output file /nowhere/out.log cannot be opened: its folder does not exist'],
  ])('says so: %s', async (_what, over, said) => {
    const runner = home.runner();
    await runner.adopt();
    const error = await refusal(runner.launch(home.request('web', 'true', over)));
    expect(error.code).toBe('SPAWN_FAILED');
    expect(error.message).toContain('test:web#1');
    expect(error.message).toContain(said);
    nothingStarted('web');
  });

  it('says so: an executable of another machine, and one that needs another C library', async () => {
    const runner = home.runner();
    await runner.adopt();
    const foreign = path.join(home.folder, 'foreign');
    copyFileSync('/bin/true', foreign);
    const bytes = readFileSync(foreign);
    bytes.writeUInt16LE(process.arch === 'arm64' ? 62 : 183, 18);
    writeFileSync(foreign, bytes);
    expect((await refusal(runner.launch(home.request('web', '', { command: { run: 'true', shell: foreign } })))).message).toContain(`is built for ${process.arch === 'arm64' ? 'x64' : 'arm64'}; this machine is ${process.arch}`);
    const elsewhere = path.join(home.folder, 'elsewhere');
    writeFileSync(elsewhere, Buffer.from(readFileSync('/bin/true').toString('latin1').replace('/ld-linux', '/ld-mmmmx'), 'latin1'));
    chmodSync(elsewhere, 0o755);
    expect((await refusal(runner.launch(home.request('web', '', { command: { run: 'true', shell: elsewhere } })))).message).toContain('needs the program loader');
    nothingStarted('web');
  });

  it('refuses names that no environment can hold, all at once', async () => {
    const runner = home.runner();
    await runner.adopt();
    const error = await refusal(runner.launch(home.request('web', 'true', { environment: { 'a-b': '1', '1x': '2', 'A;reboot': '3', NUL: 'a\0b', fine: 'yes' } })));
    expect(error.code).toBe('INVALID_CONFIG');
    expect((error.data['problems'] as string[]).length).toBe(4);
    nothingStarted('web');
  });

  it('refuses references that lead out of the home', async () => {
    const runner = home.runner();
    await runner.adopt();
    for (const service of ['../x', 'a/b', '', '.', 'x'.repeat(300)]) {
      expect((await refusal(runner.launch(home.request('web', 'true', { ref: { source: 'test', service, number: 1 } })))).code).toBe('INVALID_PARAMS');
    }
  });

  it('says so when the disk of the home is full, and starts nothing by halves', async () => {
    const mounted = path.join(home.folder, 'run');
    mkdirSync(mounted);
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', mounted]);
    try {
      const runner = home.runner();
      await runner.adopt();
      expect(() => writeFileSync(path.join(mounted, 'filler'), Buffer.alloc(1024 * 1024))).toThrow('ENOSPC');
      const error = await refusal(runner.launch(home.request('web', 'exec sleep 1000')));
      expect(error.code).toBe('SPAWN_FAILED');
      expect(error.message).toContain('the disk is full');
      nothingStarted('web');

      // Room for the order, but not for the record as well.
      execFileSync('truncate', ['-s', '-4096', path.join(mounted, 'filler')]);
      const second = await refusal(runner.launch(home.request('web', 'exec sleep 1000')));
      expect(second.code).toBe('SPAWN_FAILED');
      nothingStarted('web');

      execFileSync('truncate', ['-s', '-16384', path.join(mounted, 'filler')]);
      const instance = await runner.launch(home.request('web', 'exec sleep 1000'));
      try {
        writeFileSync(path.join(mounted, 'more'), Buffer.alloc(1024 * 1024));
      } catch (error) {
        expect(String(error)).toContain('ENOSPC');
      }
      process.kill(instance.pid, 'SIGTERM');
      await until('its end is told', () => runner.exits.length === 1);
      expect(runner.exits[0]?.exit).toEqual({ kind: 'signal', signal: 'SIGTERM' });
      await runner.close();
    } finally {
      execFileSync('umount', ['-l', mounted]);
    }
  });

  it('explains 127 and 126 of a shell', async () => {
    const runner = home.runner();
    await runner.adopt();
    const script = path.join(home.folder, 'app.sh');
    writeFileSync(script, '#!/nowhere/ruby\n', { mode: 0o755 });
    await runner.launch(home.request('missing', 'A=1 exec nosuchcommand --flag'));
    await runner.launch(home.request('broken', './app.sh'));
    await runner.launch(home.request('locked', './locked.sh', {}));
    await until('all have ended', () => runner.exits.length === 3);
    const said = (service: string): string => runner.exits.find(({ ref }) => ref.service === service)?.diagnosis ?? '';
    expect(said('missing')).toContain('The command "nosuchcommand" is in no folder of PATH');
    expect(said('broken')).toContain('/nowhere/ruby does not exist');
    expect(said('locked')).toContain('locked.sh does not exist');
  });
});

describe('a second launch', () => {
  it('is a conflict while the first lives, and until its end is forgotten', async () => {
    const runner = home.runner();
    await runner.adopt();
    const first = await runner.launch(home.request('web', 'exec sleep 1000'));
    const living = await refusal(runner.launch(home.request('web', 'exec sleep 1000')));
    expect([living.code, living.data['state'], living.data['incarnation']]).toEqual(['CONFLICT', 'living', first.incarnation]);
    expect((await refusal(runner.forget(first.ref, first.incarnation))).code).toBe('CONFLICT');
    process.kill(first.pid, 'SIGKILL');
    await until('its end is told', () => runner.exits.length === 1);
    expect((await refusal(runner.launch(home.request('web', 'exec sleep 1000')))).data['state']).toBe('exited');
    await runner.forget(first.ref, first.incarnation);
    await runner.forget(first.ref, first.incarnation);
    expect(readdirSync(home.runFolder('web'))).toEqual([]);
    const second = await runner.launch(home.request('web', 'exec sleep 1000'));
    const services = await until('it is up', () => (home.services().some(({ pid }) => pid === second.pid) ? home.services() : null));
    expect(services.length).toBe(1);
  });
});

describe('a hundred launches', () => {
  it('are all up soon', async () => {
    const runner = home.runner();
    await runner.adopt();
    await runner.launch(home.request('first', 'true'));
    const started = performance.now();
    const instances = await Promise.all(Array.from({ length: 100 }, (_, index) => runner.launch(home.request(`web-${index}`, 'exec sleep 1000'))));
    console.log(`100 launches: ${(performance.now() - started).toFixed(0)} ms`);
    const services = await until('all are up', () => {
      const found = home.services();
      return found.length >= 100 ? found : null;
    });
    expect(new Set(services.map(({ pid }) => pid))).toEqual(new Set(instances.map(({ pid }) => pid)));
  });
});

describe('quoting for the shell', () => {
  it('survives a shell', () => {
    const text = `a'b''c"$(x)\\\n\``;
    expect(execFileSync('/bin/sh', ['-c', `printf %s ${quoteForShell(text)}`], { encoding: 'utf8' })).toBe(text);
  });
});

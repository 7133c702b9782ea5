import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { existsSync } from 'node:fs';
import { constants } from 'node:os';
import type { ExitResult } from '../../daemon/runner/runner.js';
import { TestingHome, until } from './testing-home.js';

let home: TestingHome;
beforeEach(() => {
  home = new TestingHome();
});
afterEach(() => home.dispose());

const shells = [['/bin/dash'], ['/bin/bash', '--norc', '--posix'], ['/bin/busybox', 'sh']].filter(([program = '']) => existsSync(program));
const codes = [0, 1, 2, 3, 126, 127, 128, 129, 130, 137, 141, 143, 200, 255];
const harmless = new Set(['SIGCHLD', 'SIGCONT', 'SIGSTOP', 'SIGTSTP', 'SIGTTIN', 'SIGTTOU', 'SIGURG', 'SIGWINCH']);
const other = new Map<string, string>([['SIGIOT', 'SIGABRT'], ['SIGPOLL', 'SIGIO']]);
const deadly = Object.entries(constants.signals).filter(([name]) => !harmless.has(name) && !other.has(name));
// BusyBox on a machine without GNU env leaves these two ignored, which is checked in the stop tests.
const ignoredInBusyBox = new Set(['SIGINT', 'SIGQUIT']);

describe.each(shells)('exits under %s', (...shell) => {
  it('are exact for every code and every signal', async () => {
    const runner = home.runner({ launcherShell: shell });
    await runner.adopt();
    const signals = deadly.filter(([name]) => !(shell[0]?.endsWith('busybox') === true && ignoredInBusyBox.has(name)));
    const expected = new Map<string, ExitResult>();
    for (const code of codes) expected.set(`code-${code}`, { kind: 'code', code });
    for (const [name] of signals) expected.set(`signal-${name.toLowerCase()}`, { kind: 'signal', signal: name as NodeJS.Signals });
    // Waits for a file first, so that the shell's own start is over in every shell.
    const runs = [...codes.map((code) => [`code-${code}`, `sleep 0.1; exit ${code}`]), ...signals.map(([name, number]) => [`signal-${name.toLowerCase()}`, `ulimit -c 0; sleep 0.1; kill -${number} $$; sleep 5`])];
    await Promise.all(runs.map(([service = '', run = '']) => runner.launch(home.request(service, run))));
    await until('all have ended', () => runner.exits.length === runs.length);
    const seen = new Map(runner.exits.map(({ ref, exit }) => [ref.service, exit]));
    expect(Object.fromEntries(seen)).toEqual(Object.fromEntries(expected));
  });
});

describe('an exit', () => {
  it('is told within moments of the kill', async () => {
    const runner = home.runner();
    await runner.adopt();
    const times: number[] = [];
    for (let round = 0; round < 20; round += 1) {
      const request = home.request('web', 'exec sleep 1000');
      const instance = await runner.launch(request);
      const told = new Promise<void>((resolve) => {
        const off = runner.onExit(() => {
          off();
          resolve();
        });
      });
      const started = performance.now();
      process.kill(instance.pid, 'SIGKILL');
      await told;
      times.push(performance.now() - started);
      await runner.forget(request.ref, request.incarnation);
    }
    const median = times.sort((a, b) => a - b)[10] ?? Infinity;
    console.log(`SIGKILL → onExit: median ${median.toFixed(2)} ms`);
    expect(median).toBeLessThan(500);
    expect(runner.exits.every(({ exit }) => exit.kind === 'signal' && exit.signal === 'SIGKILL')).toBe(true);
  });

  it('comes after the launch has resolved, also of what ends at once', async () => {
    const runner = home.runner();
    await runner.adopt();
    for (let round = 0; round < 30; round += 1) {
      const request = home.request('brief', 'exit 7');
      let launched = false;
      let toldBefore = false;
      const off = runner.onExit(() => (toldBefore = !launched));
      await runner.launch(request).then(() => (launched = true));
      await until('its end is told', () => runner.exits.length === round + 1);
      off();
      expect(toldBefore).toBe(false);
      await runner.forget(request.ref, request.incarnation);
    }
    expect(new Set(runner.exits.map(({ incarnation }) => incarnation)).size).toBe(30);
    expect(runner.exits.every(({ exit }) => exit.kind === 'code' && exit.code === 7)).toBe(true);
  });

  it('is unknown when the shim was killed, and told once the service ends', async () => {
    const runner = home.runner();
    await runner.adopt();
    const instance = await runner.launch(home.request('web', 'exec sleep 1000'));
    process.kill(instance.shimPid ?? 0, 'SIGKILL');
    await until('the shim is gone', () => home.shims().length === 0);
    expect(runner.exits).toEqual([]);
    process.kill(instance.pid, 'SIGKILL');
    await until('its end is told', () => runner.exits.length === 1, 10_000);
    expect(runner.exits[0]).toMatchObject({ incarnation: instance.incarnation, exit: { kind: 'unknown' } });
  });

  it('is told to all listeners although one throws', async () => {
    const defects: unknown[] = [];
    const runner = home.runner({ onDefect: (error) => defects.push(error) });
    await runner.adopt();
    runner.onExit(() => {
      throw new Error('a listener that throws');
    });
    let heard = 0;
    runner.onExit(() => (heard += 1));
    await runner.launch(home.request('web', 'exit 0'));
    await until('the second listener heard it', () => heard === 1);
    expect(defects.map(String)).toEqual(['Error: a listener that throws']);
  });
});

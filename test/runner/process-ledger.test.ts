import { afterEach, describe, expect, it } from '@jest/globals';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { ProcessLedger } from '../../shared/process/process-ledger.js';
import { readProcess } from '../../shared/process/proc-table.js';
import { until } from '../support/until.js';

const variable = 'HIVE_LEDGER_TEST';
const nobodyElse = new Set<number>();

/** What a service may leave behind: `words` run under a main process that is then killed. */
describe('what is left of a marker', () => {
  const started: number[] = [];
  afterEach(() => {
    for (const pid of started.splice(0)) {
      try { process.kill(pid, 'SIGKILL'); } catch { continue; }
    }
  });

  /** Starts a main process, the leader of a session, whose script prints the pid of what it leaves; kills it. */
  async function killedMain(marker: string, script: string): Promise<{ main: number; left: number | null }> {
    const main: ChildProcess = spawn('/bin/sh', ['-c', `${script}\nexec sleep 1000`], { detached: true, stdio: ['ignore', 'pipe', 'inherit'], env: { PATH: process.env['PATH'] ?? '', [variable]: marker } });
    const [said] = (await once(main.stdout as NodeJS.ReadableStream, 'data')) as [Buffer];
    const left = Number(said.toString().trim()) || null;
    if (left !== null) started.push(left);
    const exited = once(main, 'exit');
    main.kill('SIGKILL');
    await exited;
    return { main: main.pid ?? 0, left };
  }

  /** Doubt passes: other programs on the machine are being executed all the time. */
  const certainlyNobody = (ledger: ProcessLedger, marker: string, session: number): Promise<true> => until(() => (ledger.isNobodyLeft(marker, session, nobodyElse) ? true : undefined), 'nobody to be left');

  it('is nobody when the main process was alone', async () => {
    const ledger = new ProcessLedger(variable);
    const { main } = await killedMain('alone', 'echo none');
    await certainlyNobody(ledger, 'alone', main);
  });

  it.each([
    ['a child in its session', 'sleep 1000 & echo $!'],
    ['a child in a session of its own', 'setsid sleep 1000 & echo $!'],
    ['a child in its session without the marker', `env -u ${variable} sleep 1000 & echo $!`],
    ['a grandchild in a session of its own', '(setsid sh -c "echo \\$\\$; exec sleep 1000" &)'],
  ])('is seen at once, and forgotten once it is gone: %s', async (_what, script) => {
    const ledger = new ProcessLedger(variable);
    // Known before, so that what is new is all that is looked at.
    ledger.isNobodyLeft('unknown', 0, nobodyElse);
    const { main, left } = await killedMain('left', script);
    for (let look = 0; look < 3; look += 1) expect(ledger.isNobodyLeft('left', main, nobodyElse)).toBe(false);
    // Old enough to be remembered, it is still seen.
    if (left !== null) process.kill(left, 'SIGKILL');
    await until(() => (left === null || readProcess(left) === null || readProcess(left)?.state === 'Z' ? true : undefined), 'what was left to be gone');
    await certainlyNobody(ledger, 'left', main);
  });

  it('remembers who was looked at, and still answers for another marker', async () => {
    const ledger = new ProcessLedger(variable);
    const { main } = await killedMain('settled', 'sleep 1000 & echo $!');
    await until(() => (ledger.isNobodyLeft('somebody else', -1, nobodyElse) ? true : undefined), 'everybody to be known');
    const before = performance.now();
    expect(ledger.isNobodyLeft('settled', -1, nobodyElse)).toBe(false);
    expect(ledger.isNobodyLeft('nobody', main, nobodyElse)).toBe(false);
    expect(performance.now() - before).toBeLessThan(200);
  });
});

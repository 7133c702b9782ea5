import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { existsSync, readdirSync } from 'node:fs';
import path from 'node:path';
import type { TaskReport, TaskRequest } from '../../daemon/runner/task.js';
import type { ScriptCommand } from '../../daemon/runner/script/script-command.js';
import type { ScriptRunner } from '../../daemon/runner/script/script-runner.js';
import { TestingHome, until } from './testing-home.js';

let home: TestingHome;
let runner: ReturnType<TestingHome['runner']>;
beforeEach(async () => {
  home = new TestingHome();
  runner = home.runner();
  await runner.adopt();
});
afterEach(() => home.dispose());

const never = new AbortController().signal;
const ref = { source: 'test', service: 'web', number: 1, task: 'build' };

function run(text: string, over: Partial<TaskRequest<ScriptCommand>> = {}, signal = never, by: ScriptRunner = runner): Promise<TaskReport> {
  return by.runTask({
    ref,
    command: { run: text },
    environment: { GREETING: 'hello $(x)' },
    workingDirectory: home.folder,
    stdoutPath: home.outputOf('web'),
    stderrPath: home.outputOf('web'),
    timeoutMs: 20_000,
    ...over,
  }, signal);
}

const recordOf = (task: string): string => path.join(home.folder, 'run/test/web', task, 'record');

describe('a task', () => {
  it('is reported as it ended, with both outputs in the file and its last lines, and leaves no record', async () => {
    expect(await run('echo "$GREETING"; echo to-stderr >&2; exit 143')).toMatchObject({
      exit: { kind: 'code', code: 143 }, endedBy: 'itself', lastLines: ['hello $(x)', 'to-stderr'],
    });
    expect(await run('kill -TERM $$')).toMatchObject({ exit: { kind: 'signal', signal: 'SIGTERM' }, endedBy: 'itself', lastLines: [] });
    expect(await run(`#!${process.execPath}\nconsole.log(process.cwd() === process.env.HIVE_TEST_HOME)`)).toMatchObject({ exit: { kind: 'code', code: 0 }, lastLines: ['true'] });
    expect(home.said('web')).toBe('hello $(x)\nto-stderr\ntrue\n');
    expect(existsSync(recordOf('build'))).toBe(false);
    expect(runner.exits).toEqual([]);
  });

  it('reports the last lines of stderr where that is a file of its own', async () => {
    const over = { stderrPath: home.outputOf('web-errors') };
    expect((await run('seq 1 9; echo bad >&2', over)).lastLines).toEqual(['bad']);
    expect((await run('seq 1 9', over)).lastLines).toEqual(['5', '6', '7', '8', '9']);
  });

  it('is stopped at its timeout with everything that it started', async () => {
    const report = await run('trap "" TERM; sleep 1000 & ( setsid sleep 1000 & ); echo READY; while :; do sleep 0.01; done', { timeoutMs: 300 });
    expect(report).toMatchObject({ endedBy: 'timeout', exit: { kind: 'signal', signal: 'SIGKILL' } });
    expect(report.tookMs).toBeLessThan(300 + 2_000 + 2_000);
    expect(home.services()).toEqual([]);
  });

  it('is stopped when it is aborted, also before it began', async () => {
    const abort = new AbortController();
    const running = run('echo READY; exec sleep 1000', {}, abort.signal);
    await until('it is ready', () => home.said('web').includes('READY'));
    abort.abort();
    expect(await running).toMatchObject({ endedBy: 'abort', exit: { kind: 'signal', signal: 'SIGTERM' } });
    expect(await run('exec sleep 1000', {}, abort.signal)).toMatchObject({ endedBy: 'abort' });
    expect(home.services()).toEqual([]);
  });

  it('is not waited for by what it leaves in the background with its output', async () => {
    expect(await run('sleep 1000 & echo done')).toMatchObject({ endedBy: 'itself', exit: { kind: 'code', code: 0 } });
    expect(home.services().length).toBe(1);
  });

  it('that cannot be started says why', async () => {
    await expect(run('true', { workingDirectory: path.join(home.folder, 'missing') })).rejects.toMatchObject({ code: 'SPAWN_FAILED', message: expect.stringContaining('missing does not exist') });
    await expect(run('#!/nowhere/python\n')).rejects.toMatchObject({ code: 'SPAWN_FAILED', message: expect.stringContaining('/nowhere/python does not exist') });
  });

  it('runs beside the instance of its service, under a name of its own, and never twice', async () => {
    const instance = await runner.launch(home.request('web', 'exec sleep 1000'));
    const abort = new AbortController();
    const running = run('exec sleep 1000', {}, abort.signal);
    await until('it runs', () => home.services().length === 2);
    await expect(run('exec sleep 1000')).rejects.toMatchObject({ code: 'CONFLICT', message: expect.stringContaining('test:web#1 (build)') });
    expect(await run('exit 3', { ref: { ...ref, task: 'hook-pre-up-2.1' } })).toMatchObject({ exit: { kind: 'code', code: 3 } });
    abort.abort();
    await running;
    expect(home.services().map(({ pid }) => pid)).toEqual([instance.pid]);
  });

  it.each(['../x', '1', 'a/b', '', 'Build', '.x'])('refuses the name %j', async (task) => {
    await expect(run('true', { ref: { ...ref, task } })).rejects.toMatchObject({ code: 'INVALID_PARAMS' });
  });
});

describe('a task that an earlier daemon left', () => {
  const stubborn = (mark: string): string => `trap "" TERM; ( setsid sleep 1000 & ); echo ${mark}; while :; do sleep 0.01; done`;

  it('is stopped with its whole tree by the next one, and before it is run again', async () => {
    void run(stubborn('FIRST'), { timeoutMs: null }).catch(() => undefined);
    await until('it runs', () => home.said('web').includes('FIRST'));
    const left = home.services().length;
    expect(left).toBeGreaterThanOrEqual(2);
    await runner.close();

    const next = home.runner();
    const { living, exited } = await next.adopt();
    expect([living, exited]).toEqual([[], []]);
    // The same task waits until nothing is left of the old one; another one does not.
    const other = await run('echo OTHER', { ref: { ...ref, task: 'hook-pre-up-1' } }, never, next);
    expect(other.tookMs).toBeLessThan(1_500);
    expect(home.services().length).toBeGreaterThan(0);
    const again = await run('echo SECOND; exit 7', {}, never, next);
    expect(again).toMatchObject({ exit: { kind: 'code', code: 7 }, lastLines: ['SECOND'] });
    expect(again.tookMs).toBeGreaterThan(1_000);
    expect(home.services()).toEqual([]);
    expect(next.exits).toEqual([]);
  });

  it('is stopped although nobody runs it again', async () => {
    void run(stubborn('FIRST'), { ref: { ...ref, service: '.source', task: 'hook-post-up-1' }, timeoutMs: null }).catch(() => undefined);
    await until('it runs', () => home.said('web').includes('FIRST'));
    await runner.close();
    const next = home.runner();
    await next.adopt();
    await next.tasksCleared();
    expect(home.services()).toEqual([]);
    expect(readdirSync(path.join(home.folder, 'run/test/.source/hook-post-up-1'))).toEqual([]);
  });

  it('that has ended meanwhile is forgotten and run again', async () => {
    void run('echo FIRST; until [ -e go ]; do sleep 0.01; done', { timeoutMs: null }).catch(() => undefined);
    await until('it runs', () => home.said('web').includes('FIRST'));
    await runner.close();
    await run('touch go', { ref: { ...ref, service: 'other' } }, never, home.runner());
    await until('it has ended', () => home.services().length === 0);
    const next = home.runner();
    await next.adopt();
    expect(await run('echo SECOND', {}, never, next)).toMatchObject({ exit: { kind: 'code', code: 0 }, lastLines: ['SECOND'] });
  });
});

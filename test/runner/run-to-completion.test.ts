import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import path from 'node:path';
import { runToCompletion, type CompletionReport } from '../../daemon/runner/script/run-to-completion.js';
import { TestingHome, until } from './testing-home.js';

let home: TestingHome;
beforeEach(() => {
  home = new TestingHome();
});
afterEach(() => home.dispose());

const run = (text: string, over: { timeoutMs?: number; abort?: AbortSignal; workingDirectory?: string } = {}): Promise<CompletionReport> =>
  runToCompletion({
    ref: { source: 'test', service: 'build', number: 1 },
    command: { run: text },
    environment: { PATH: process.env['PATH'] ?? '', HIVE_TEST_HOME: home.folder, GREETING: 'hello $(x)' },
    workingDirectory: home.folder,
    outputPath: home.outputOf('build'),
    timeoutMs: 20_000,
    ...over,
  });

describe('a command that is to end', () => {
  it('is reported as it ended, with both outputs in the file', async () => {
    expect(await run('echo "$GREETING"; echo to-stderr >&2; exit 143')).toMatchObject({ exit: { kind: 'code', code: 143 }, endedBy: 'itself' });
    expect(await run('kill -TERM $$')).toMatchObject({ exit: { kind: 'signal', signal: 'SIGTERM' }, endedBy: 'itself' });
    expect(await run(`#!${process.execPath}\nconsole.log(process.cwd() === ${JSON.stringify('HERE')}.replace('HERE', process.env.HIVE_TEST_HOME))`)).toMatchObject({ exit: { kind: 'code', code: 0 } });
    expect(home.said('build')).toBe('hello $(x)\nto-stderr\ntrue\n');
  });

  it('is stopped at its timeout with everything that it started', async () => {
    const report = await run('trap "" TERM; sleep 1000 & ( setsid sleep 1000 & ); echo READY; while :; do sleep 0.01; done', { timeoutMs: 300 });
    expect(report).toMatchObject({ endedBy: 'timeout', exit: { kind: 'signal', signal: 'SIGKILL' } });
    expect(report.tookMs).toBeLessThan(300 + 2_000 + 2_000);
    expect(home.services()).toEqual([]);
  });

  it('is stopped when it is aborted, also before it began', async () => {
    const abort = new AbortController();
    const running = run('echo READY; exec sleep 1000', { abort: abort.signal });
    await until('it is ready', () => home.said('build').includes('READY'));
    abort.abort();
    expect(await running).toMatchObject({ endedBy: 'abort', exit: { kind: 'signal', signal: 'SIGTERM' } });
    expect(await run('exec sleep 1000', { abort: abort.signal })).toMatchObject({ endedBy: 'abort' });
    expect(home.services()).toEqual([]);
  });

  it('is not waited for by what it leaves in the background with its output', async () => {
    const report = await run('sleep 1000 & echo done');
    expect(report).toMatchObject({ endedBy: 'itself', exit: { kind: 'code', code: 0 } });
    expect(home.services().length).toBe(1);
  });

  it('that cannot be started says why', async () => {
    await expect(run('true', { workingDirectory: path.join(home.folder, 'missing') })).rejects.toMatchObject({ code: 'SPAWN_FAILED', message: expect.stringContaining('missing does not exist') });
    await expect(run('#!/nowhere/python\n')).rejects.toMatchObject({ code: 'SPAWN_FAILED', message: expect.stringContaining('/nowhere/python does not exist') });
  });
});

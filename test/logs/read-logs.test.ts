import { appendFile, mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { LogStore } from '../../daemon/logs/log-store.js';
import type { InstanceRef } from '../../daemon/runner/runner.js';

const web: InstanceRef = { source: 'shop', service: 'web', number: 1 };

describe('reading logs', () => {
  let home: string;
  let store: LogStore;
  let warnings: string[];

  beforeEach(async () => {
    home = await mkdtemp(join(tmpdir(), 'hive-logs-'));
    warnings = [];
    store = new LogStore({ home, warn: (sentence) => warnings.push(sentence) });
  });

  afterEach(async () => {
    expect(warnings).toEqual([]);
    await rm(home, { recursive: true, force: true });
  });

  it('makes folders and files that only their owner can read', async () => {
    const paths = await store.prepare(web);
    expect(((await stat(paths.folder)).mode & 0o777).toString(8)).toBe('700');
    expect(((await stat(paths.stdoutPath)).mode & 0o777).toString(8)).toBe('600');
    expect(paths.stdoutPath).toBe(join(home, 'logs/shop/web/1.stdout.log'));
  });

  it('answers the last lines, oldest first, with the text as it was written', async () => {
    const { stdoutPath } = await store.prepare(web);
    await appendFile(stdoutPath, Array.from({ length: 20_000 }, (_, index) => `line ${index}\n`).join(''));
    const lines = await store.get({ fqn: 'shop:web', lines: 3 });
    expect(lines.map((line) => line.message)).toEqual(['line 19997', 'line 19998', 'line 19999']);
    expect(lines[0]).toMatchObject({ fqn: 'shop:web', instance: 'shop:web#1', stream: 'stdout', level: 'info' });
    expect((await store.get({ fqn: 'shop:web', lines: 30_000 })).map((line) => line.message)).toEqual(Array.from({ length: 20_000 }, (_, index) => `line ${index}`));
  });

  it('shows a line that has no newline yet, empty lines, and lines longer than a block', async () => {
    const { stdoutPath } = await store.prepare(web);
    const long = 'x'.repeat(200_000);
    await appendFile(stdoutPath, `first\n\n${long}\nlast`);
    const messages = (await store.get({ fqn: 'shop:web' })).map((line) => line.message);
    expect(messages).toEqual(['first', '', `${'x'.repeat(65_536)} … [a line of 200000 bytes; the first 65536 are shown]`, 'last']);
  });

  it('ends a line that an earlier run left unfinished before the next run begins', async () => {
    const { stdoutPath } = await store.prepare(web);
    await appendFile(stdoutPath, 'fatal: out of cheese');
    await store.prepare(web);
    await appendFile(stdoutPath, 'hello again\n');
    expect((await store.get({})).map((line) => line.message)).toEqual(['fatal: out of cheese', 'hello again']);
    expect(await store.lastLines(web, 5)).toEqual(['hello again']);
  });

  it('replaces what is not UTF-8, keeps colours, and drops the carriage return', async () => {
    const { stdoutPath } = await store.prepare(web);
    await appendFile(stdoutPath, Buffer.from([0x61, 0xff, 0x62, 0x0d, 0x0a]));
    await appendFile(stdoutPath, '\u001b[31mred\u001b[0m\n');
    expect((await store.get({})).map((line) => line.message)).toEqual(['a\ufffdb', '\u001b[31mred\u001b[0m']);
  });

  it('filters by level and lets a stack trace have the level of its error', async () => {
    const { stderrPath, stdoutPath } = await store.prepare(web);
    await appendFile(stdoutPath, 'INFO starting\n{"level":50,"msg":"boom","time":1700000000000,"code":7}\n');
    await appendFile(stderrPath, 'hello\nTypeError: no\n    at one.js:1\n    at two.js:2\nbye\n');
    const lines = await store.get({ fqn: 'shop:*', level: 'error' });
    expect(lines.map((line) => line.message).sort()).toEqual(['    at one.js:1', '    at two.js:2', 'TypeError: no', 'boom']);
    expect(lines.find((line) => line.message === 'boom')).toMatchObject({ level: 'error', fields: { code: 7 }, time: '2023-11-14T22:13:20.000Z' });
    expect((await store.get({ stream: 'stderr', lines: 1 })).map((line) => line.message)).toEqual(['bye']);
  });

  it('answers the last lines of one run: stderr first, then stdout', async () => {
    const { stderrPath, stdoutPath } = await store.prepare(web);
    await appendFile(stdoutPath, 'a\nb\nc\n');
    await appendFile(stderrPath, 'oops\n');
    expect(await store.lastLines(web, 3)).toEqual(['oops', 'b', 'c']);
  });

  it('merges services of a source and reads only what is asked for', async () => {
    for (const service of ['api', 'web']) {
      const { stdoutPath } = await store.prepare({ source: 'shop', service, number: 1 });
      await appendFile(stdoutPath, `2030-01-01T00:00:0${service === 'api' ? 2 : 1}Z ${service}\n`);
    }
    const other = await store.prepare({ source: 'bank', service: 'web', number: 1 });
    await appendFile(other.stdoutPath, 'bank\n');
    expect((await store.get({ fqn: 'shop:*' })).map((line) => line.fqn).sort()).toEqual(['shop:api', 'shop:web']);
    expect((await store.get({})).length).toBe(3);
    expect(await store.get({ fqn: 'shop:web#2' })).toEqual([]);
    await expect(store.get({ fqn: '../etc:passwd' })).rejects.toMatchObject({ code: 'INVALID_PARAMS' });
  });
});

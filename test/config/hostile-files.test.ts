import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { loadSource, loadSourceFile } from '../../shared/config/load-source.js';
import { cpuTimeOf } from './cpu-time.js';
import { load, problemsOf, runs, withServices } from './load.js';

const megabyte = 2 ** 20;
const filled = (piece: string) => piece.repeat(Math.floor(megabyte / piece.length));
const bomb = ['a: &a [x, x, x, x, x, x, x, x, x]', ...[...'bcdefghij'].map((name, index) => `${name}: &${name} [${Array(9).fill(`*${'abcdefghij'[index]}`).join(', ')}]`)].join('\n');
const mergeBomb = ['a: &a {k: 1}', ...[...'bcdefghij'].map((name, index) => `${name}: &${name} {${Array.from({ length: 9 }, (_, key) => `k${key}: *${'abcdefghij'[index]}`).join(', ')}}`)].join('\n');

describe('files that are no configuration', () => {
  it.each([
    ['an empty file', '', 1, 'The file is empty.'],
    ['nothing but a comment', '# soon\n', 1, 'The file is empty.'],
    ['a truncated flow map', 'version: "1"\nservices: {web: {runner: {type: script', 2, 'is not valid YAML'],
    ['a truncated text', 'version: "1', 1, 'is not valid YAML'],
    ['a tab for indentation', 'version: "1"\nservices:\n\tweb: {}\n', 3, 'indented with a tab'],
    ['two documents', 'version: "1"\n---\nservices: {}\n', 2, 'A second document starts here'],
    ['a key twice', 'version: "1"\nservices: {}\nservices: {}\n', 3, 'The key "services" occurs twice'],
    ['an alias of itself', 'version: "1"\nservices: &s {web: *s}\n', 2, '*s stands inside what it refers to'],
    ['an alias of nothing', 'version: "1"\nservices: *nothing\n', 2, 'Nothing before this line is marked &nothing'],
    ['a merge of a text', 'version: "1"\nservices: {<<: x}\n', 2, 'What << merges must be a map'],
    ['a prototype', 'version: "1"\nservices: {__proto__: {}}\n', 2, 'The key "__proto__" is not allowed'],
    ['a map as a key', 'version: "1"\n? {a: b}\n: c\nservices: {}\n', 2, 'A key must be a plain word'],
    ['a language tag', 'version: "1"\nservices: !!js/function "x"\n', 2, ''],
    ['a NUL', 'version: "1"\nservices: {web: {runner: {type: script, script: {run: "a\\0b"}}}}\n', 2, 'NUL character'],
    ['aliases of aliases', `${bomb}\n`, 6, 'With its aliases written out the file has more than 200000 values'],
    ['merges of merges', `${mergeBomb}\n`, 7, 'With its aliases written out'],
  ])('%s', (_, text, line, message) => {
    const problems = problemsOf(text);
    expect(problems.length).toBeGreaterThan(0);
    expect(problems[0]?.line).toBe(line);
    expect(problems[0]?.message).toContain(message);
  });

  it.each([
    ['UTF-16', Buffer.from('\uFEFFversion: "1"', 'utf16le'), 'UTF-16'],
    ['Latin-1', Buffer.from([0x76, 0x3a, 0x20, 0xe9, 0x0a]), 'not UTF-8'],
    ['too much', Buffer.alloc(megabyte + 1, 'a'), 'larger than 1MB'],
  ])('%s', (_, bytes, message) => {
    const result = loadSource(bytes, 'hive.yaml', { source: 'default', projectRoot: '/p', env: {} });
    expect(result).toMatchObject({ ok: false, problems: [{ line: 1, column: 1, message: expect.stringContaining(message) as unknown }] });
  });

  it('points at the right line after Windows line ends', () => {
    expect(problemsOf('version: "1"\r\nservices: {}\r\nnonsense: 1\r\n')).toMatchObject([{ line: 3, column: 1, offendingLine: 'nonsense: 1' }]);
  });
});

describe('a megabyte of', () => {
  it.each([
    ['open lists', filled('[')],
    ['open maps', filled('{')],
    ['nested lists', filled('- ')],
    ['list items', filled('- \n')],
    ['commas', `[${filled(',').slice(2)}]`],
    ['closing braces', filled('}\n')],
    ['the same key', filled('a: 1\n')],
    ['unknown keys', Array.from({ length: 90_000 }, (_, index) => `k${index}:`).join('\n')],
    ['references that never close', `a: "${filled('${env.A:-').slice(8)}"`],
    ['templates that never close', `a: "${filled('{{a. ').slice(8)}"`],
    ['spaces in a template', withServices({ a: `{runner: {type: script, script: {run: "{{a.${' '.repeat(900_000)}"}}}` })],
    ['slashes', withServices({ a: `{${runs}, proxy: {path: "${'/'.repeat(900_000)}a"}}` })],
    ['words that sound secret', `a: ]${'secret'.repeat(170_000)}`],
  ])('%s is judged in bounded time', (_, text) => {
    // The parser itself needs up to two seconds for a megabyte on a slow machine; quadratic work would need minutes.
    expect(cpuTimeOf(() => load(text.slice(0, megabyte)))).toBeLessThan(8000);
  });
});

describe('files on disk', () => {
  let folder = '';
  beforeAll(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'hive-config-'));
  });
  afterAll(async () => {
    await rm(folder, { recursive: true });
  });
  const options = { source: 'default', projectRoot: '/p', env: {} };

  it('are loaded', async () => {
    const file = path.join(folder, 'good.yaml');
    await writeFile(file, withServices({ web: `{${runs}}` }));
    expect((await loadSourceFile(file, options)).ok).toBe(true);
  });

  it.each([
    ['missing.yaml', 'there is no such file'],
    ['.', 'it is a folder'],
  ])('%s is a problem, not an exception', async (name, message) => {
    const file = path.join(folder, name);
    expect(await loadSourceFile(file, options)).toMatchObject({ ok: false, problems: [{ file, message: expect.stringContaining(message) as unknown }] });
  });

  it('refuses a file that is far too large without reading all of it', async () => {
    const file = path.join(folder, 'huge.yaml');
    await writeFile(file, Buffer.alloc(64 * megabyte, 'a'));
    expect(await loadSourceFile(file, options)).toMatchObject({ ok: false, problems: [{ message: expect.stringContaining('larger than 1MB') as unknown }] });
  });
});

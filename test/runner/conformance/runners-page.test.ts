import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { packageRoot } from '../../../shared/package-root.js';
import { behaviours } from './behaviours.js';
import { ownWayOf, ownWays, type RunnerType } from './own-ways.js';

/** The table of docs/runners.md as rows of cells, its head first. */
function table(): string[][] {
  const page = readFileSync(join(packageRoot(), 'docs/runners.md'), 'utf8');
  const lines = page.slice(page.indexOf('| behaviour |')).split('\n');
  return lines.slice(0, lines.findIndex((line) => !line.startsWith('|'))).filter((line) => !line.startsWith('|---')).map((line) => line.split('|').slice(1, -1).map((cell) => cell.trim()));
}

describe('docs/runners.md', () => {
  it('says of every runner what the conformance suite holds it to', () => {
    const runners = Object.keys(ownWays) as RunnerType[];
    expect(table()).toEqual([
      ['behaviour', ...runners],
      ...behaviours.map(({ name }) => [name, ...runners.map((runner) => ownWayOf(runner, name) ?? 'yes')]),
    ]);
  });

  it('has words for no behaviour that does not exist', () => {
    const known = behaviours.map(({ name }) => name);
    expect(Object.values(ownWays).flatMap((ofRunner) => Object.keys(ofRunner)).filter((name) => !known.includes(name))).toEqual([]);
  });
});

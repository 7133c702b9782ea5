import { describe, expect, it } from '@jest/globals';
import { Report } from '../../bench/report/report.js';
import { printTables, toJson } from '../../bench/report/table.js';
import { judge, works } from '../../bench/report/works.js';
import { fullSizes } from '../../bench/sizes.js';

describe('a goal', () => {
  it('is a limit, or a multiple of what another has', () => {
    expect(judge({ kind: 'at-most', value: 20 }, { hive: 20 })).toBe('met');
    expect(judge({ kind: 'at-least', value: 20 }, { hive: 19.9 })).toBe('not met');
    expect(judge(works.start.goal, { hive: 0.3, s6: 0.31 })).toBe('met');
    expect(judge(works.start.goal, { hive: 0.32, s6: 0.31 })).toBe('not met');
    expect(judge(works.callsSerial.goal, { hive: 8100, direct: 4050 })).toBe('met');
  });

  it('cannot be told without both sides', () => {
    expect(judge(works.start.goal, { hive: 0.3, runit: 0.3 })).toBe('cannot tell');
    expect(judge(works.memoryPerPlugin.goal, { pm2: 1 })).toBe('cannot tell');
  });
});

describe('the table', () => {
  const report = new Report();
  report.set('start', 'hive', 0.25);
  report.set('start', 's6', 0.5);
  report.set('lines', 'hive', 0.4);
  report.set('lines', 'direct', 0.36);
  report.set('events', 'hive', 120_000.4);

  it('has a row for what was measured, with ratios, goals and verdicts, and columns that line up', () => {
    const lines = printTables(report, fullSizes).split('\n');
    expect(lines).toHaveLength(5);
    expect(new Set(lines.map((line) => line.length)).size).toBe(1);
    expect(lines[2]).toMatch(/^\| start 100 services until all run +\| s +\| 0\.25 +\| – .*\| 0\.50 \(0\.50×\) +\| – +\| ≤ 1 × s6 +\| met +\|$/);
    expect(lines[3]).toMatch(/1,000,000 log lines .*straight to a file 0\.36 \(1\.11×\) \| ≤ 1\.2 × straight to a file \| met/);
    expect(lines[4]).toMatch(/120,000 .*≥ 100,000 +\| met/);
  });

  it('is there as JSON too', () => {
    expect(toJson(report, fullSizes, { short: false })).toMatchObject({
      short: false, sizes: { many: 100 }, failures: [],
      rows: [{ id: 'start', values: { hive: 0.25, s6: 0.5 }, goal: '≤ 1 × s6', verdict: 'met' }, { id: 'lines' }, { id: 'events', unit: '/s' }],
    });
  });
});

it('a part that fails is a failure of the run and not its end', async () => {
  const report = new Report();
  await report.attempt('the impossible', () => Promise.reject(new Error('cannot be done')));
  expect(report.failures).toEqual(['the impossible: cannot be done']);
});

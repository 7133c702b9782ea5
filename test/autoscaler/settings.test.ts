import { describe, expect, it } from '@jest/globals';
import { shippedSettings } from '../../shared/config/shipped-settings.js';
import { readSettings, sampleEveryMs } from '../../plugins/autoscaler/settings.js';

describe('settings of the autoscaler', () => {
  it('have the defaults that the documentation names', () => {
    expect(readSettings({})).toEqual({ checkIntervalMs: 30_000, windowMs: 60_000, dryRun: [] });
    expect(sampleEveryMs(readSettings({}))).toBe(5_000);
  });

  it('are read', () => {
    expect(readSettings({ check_interval: '1m', window: '5m', dry_run: true })).toEqual({ checkIntervalMs: 60_000, windowMs: 300_000, dryRun: 'all' });
    expect(readSettings({ dry_run: ['shop:web'] }).dryRun).toEqual(['shop:web']);
  });

  it('are declared in the manifest with the same defaults', () => {
    const declared = Object.entries(shippedSettings()['autoscaler'] ?? {}).map(([name, setting]) => [name, setting.default] as const);
    expect(declared).toHaveLength(3);
    expect(readSettings(Object.fromEntries(declared))).toEqual(readSettings({}));
  });

  it.each([
    [{ checkinterval: '30s' }, /checkinterval in hive.yaml is not a setting; there are check_interval, window, dry_run/],
    [{ check_interval: 30 }, /check_interval in hive.yaml is not a duration such as 30s/],
    [{ check_interval: '30' }, /check_interval in hive.yaml has no unit/],
    [{ check_interval: '10ms' }, /check_interval in hive.yaml is not between 500 ms and an hour/],
    [{ window: '1s' }, /window in hive.yaml is not between 2000 ms and an hour/],
    [{ window: '2h' }, /window in hive.yaml is not between/],
    [{ dry_run: 'web' }, /dry_run in hive.yaml is neither true nor false nor a list/],
    [{ dry_run: ['web'] }, /dry_run/],
  ])('refuse %o with a sentence', (config, sentence) => {
    expect(() => readSettings(config)).toThrow(sentence);
  });
});

import { describe, expect, it } from '@jest/globals';
import { readSettings } from '../../plugins/proxy/settings.js';

describe('settings of the proxy', () => {
  it('have defaults', () => {
    expect(readSettings({})).toEqual({ workers: 1, accessLog: false, drainLimitMs: 30_000, metrics: null });
  });

  it('are read', () => {
    expect(readSettings({ enabled: true, workers: 2, access_log: true, drain: '5s', metrics: '127.0.0.1:9180' })).toEqual({ workers: 2, accessLog: true, drainLimitMs: 5_000, metrics: '127.0.0.1:9180' });
  });

  it.each([[{ worker: 2 }, /worker is not a setting/], [{ workers: 0 }, /workers/], [{ workers: '2' }, /workers/], [{ drain: 30 }, /drain/], [{ metrics: 9180 }, /metrics/], [{ access_log: 'yes' }, /access_log/]])('refuse %o with a sentence', (config, sentence) => {
    expect(() => readSettings(config)).toThrow(sentence);
  });
});

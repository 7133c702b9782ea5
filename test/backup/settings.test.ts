import { describe, expect, it } from '@jest/globals';
import { readFrom } from '../../plugins/backup/read-from.js';
import { readSettings } from '../../plugins/backup/settings.js';

const dir = '/var/backups/hive';

describe('the settings of plugins.backup', () => {
  it('have defaults', () => {
    expect(readSettings({ dir })).toEqual({
      place: { kind: 'folder', path: dir }, key: null, includeSecrets: false,
      everyMs: 3_600_000, onCrash: true, crashSettleMs: 10_000, crashPauseMs: 300_000,
      keep: { last: 3, hourly: 24, daily: 7, weekly: 4 },
    });
    expect(readSettings({}).place).toBeNull();
    expect(readSettings({ s3: { bucket: 'b' }, every: 'never', keep: { last: 1, hourly: 0 }, encryption: { key_file: '/k' } })).toMatchObject({
      place: { kind: 's3', bucket: 'b', prefix: 'hive/', endpoint: null, region: null, pathStyle: false, serverSideEncryption: null },
      everyMs: null, key: { kind: 'file', path: '/k' }, keep: { last: 1, hourly: 0, daily: 7, weekly: 4 },
    });
    expect(readSettings({ s3: { bucket: 'b', prefix: '/a/b', server_side_encryption: 'aws:kms', kms_key_id: 'k' } }).place).toMatchObject({ prefix: 'a/b/', serverSideEncryption: 'aws:kms', kmsKeyId: 'k' });
  });

  it.each([
    [{ dirr: dir }, 'plugins.backup.dirr in hive.yaml is not a setting; the nearest one is dir.'],
    [{ dir, colour: 1 }, /colour in hive.yaml is not a setting; there are dir, s3, every/],
    [{ every: '1h' }, /plugins.backup.dir in hive.yaml is missing, and so is s3/],
    [{ dir, s3: { bucket: 'b' } }, /plugins.backup.s3 in hive.yaml is set, and so is dir/],
    [{ dir: 'relative' }, /plugins.backup.dir in hive.yaml is not an absolute path/],
    [{ dir, every: 60 }, /plugins.backup.every in hive.yaml is not a duration/],
    [{ dir, every: '1 hour' }, /plugins.backup.every in hive.yaml /],
    [{ dir, on_crash: 'yes' }, /plugins.backup.on_crash in hive.yaml is neither true nor false/],
    [{ s3: {} }, /plugins.backup.s3.bucket in hive.yaml is missing/],
    [{ s3: { bucket: 'b', endpoint: 'localhost' } }, /plugins.backup.s3.endpoint in hive.yaml is not a URL/],
    [{ s3: { bucket: 'b', server_side_encryption: 'rot13' } }, /plugins.backup.s3.server_side_encryption in hive.yaml is neither/],
    [{ dir, encryption: {} }, /plugins.backup.encryption.passphrase in hive.yaml is missing, and so is key_file/],
    [{ dir, encryption: { passphrase: 'hunter2' } }, /plugins.backup.encryption.passphrase in hive.yaml is shorter than 12 characters/],
    [{ dir, encryption: { passphrase: 'x'.repeat(12), key_file: '/k' } }, /plugins.backup.encryption.key_file in hive.yaml is set, and so is passphrase/],
    [{ dir, keep: { last: -1 } }, /plugins.backup.keep.last in hive.yaml is not a whole number/],
    [{ dir, keep: 3 }, /plugins.backup.keep in hive.yaml is not a mapping of last, hourly, daily, weekly/],
  ])('%j: say what is wrong, and never a value', (config, sentence) => {
    try {
      readSettings(config);
    } catch (error) {
      expect(error).toMatchObject({ code: 'INVALID_CONFIG', message: typeof sentence === 'string' ? sentence : expect.stringMatching(sentence) });
      expect((error as Error).message).not.toContain('hunter2');
      return;
    }
    throw new Error('nothing was wrong with it');
  });
});

describe('a place that is named in a call', () => {
  it('is a folder or a bucket', () => {
    expect(readFrom({ location: '/b' }, null)).toEqual({ place: { kind: 'folder', path: '/b' }, key: null });
    const key = { kind: 'file', path: '/k' } as const;
    expect(readFrom({ location: 's3://b.c/x/y?endpoint=http://127.0.0.1:9000&path_style=true&region=r', keyFile: '/k' }, null)).toEqual({
      place: { kind: 's3', bucket: 'b.c', prefix: 'x/y/', endpoint: 'http://127.0.0.1:9000', region: 'r', pathStyle: true, serverSideEncryption: null, kmsKeyId: null }, key,
    });
    expect(readFrom({ location: 's3://b' }, key)).toMatchObject({ place: { bucket: 'b', prefix: '' }, key });
    expect(readFrom(undefined, key)).toBeNull();
  });

  it.each([[{}], [{ location: 'b' }], [{ location: 'http://b' }], [{ location: 's3://' }], [{ location: 's3://b?colour=1' }], [{ location: 's3://b?endpoint=x' }], [{ location: '/b', keyFile: 1 }]])('%j is refused', (from) => {
    expect(() => readFrom(from, null)).toThrow(expect.objectContaining({ code: 'INVALID_PARAMS' }));
  });
});

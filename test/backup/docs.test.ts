import { describe, expect, it } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { readSettings, type Settings } from '../../plugins/backup/settings.js';
import { presentFormat } from '../../plugins/backup/snapshot/manifest.js';
import { formatDuration } from '../../shared/config/durations.js';
import { packageRoot } from '../../shared/package-root.js';

const page = readFileSync(join(packageRoot(), 'docs/backup.md'), 'utf8');

/** The settings in a hive.yaml that is shown, with what is commented out in it, too. */
const shown = (text: string): Settings[] => [text, text.replace(/^(\s*)dir: .*$/m, '').replace('# s3:', 's3:')].map((yaml) => {
  const { enabled, ...settings } = (parse(yaml) as { plugins: { backup: Record<string, unknown> } }).plugins.backup;
  expect(enabled).toBe(true);
  return readSettings(settings);
});

describe('docs/backup.md', () => {
  it('shows settings that are good', () => {
    const example = /```text\n(# ~\/\.adi\/hive\/hive\.yaml\n[^`]*)```/.exec(page)?.[1] ?? '';
    expect(shown(example).map(({ place }) => place?.kind)).toEqual(['folder', 's3']);
    expect(shown(readFileSync(join(packageRoot(), 'examples/backup/hive.yaml'), 'utf8')).map(({ place }) => place?.kind)).toEqual(['folder', 's3']);
  });

  it('names the defaults', () => {
    const { everyMs, onCrash, crashSettleMs, crashPauseMs, keep } = readSettings({ dir: '/b' });
    const row = (name: string): string => new RegExp(`^\\| \`${name}\` \\| \`([^\`]*)\``, 'm').exec(page)?.[1] ?? 'not there';
    expect(row('every')).toBe(formatDuration(everyMs ?? 0));
    expect(row('on_crash')).toBe(String(onCrash));
    expect(row('crash_settle')).toBe(formatDuration(crashSettleMs));
    expect(row('crash_pause')).toBe(formatDuration(crashPauseMs));
    expect(parse(row('keep'))).toEqual(keep);
    expect(page).toContain(`this Hive writes ${presentFormat} and reads 1.`);
  });
});

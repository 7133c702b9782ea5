import { describe, expect, it } from '@jest/globals';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { readSettings } from '../../plugins/autoscaler/settings.js';
import { packageRoot } from '../../shared/package-root.js';
import { specOf } from '../config/load.js';

const path = join(packageRoot(), 'docs/autoscaler.md');
const page = readFileSync(path, 'utf8');
const [service = '', settings = ''] = [...page.matchAll(/```yaml\n([^]*?)```/g)].map((match) => match[1] ?? '');

describe('docs/autoscaler.md', () => {
  it('shows a service that this build runs', () => {
    expect(specOf(service).services[0]?.scale).toMatchObject({ min: 1, max: 4 });
  });

  it('shows every setting with its default', () => {
    const shown = specOf(settings).plugins['autoscaler'] ?? {};
    expect(readSettings(shown)).toEqual(readSettings({}));
    expect(Object.keys(shown).sort()).toEqual(['check_interval', 'dry_run', 'window']);
  });

  it('links to what is there', () => {
    for (const [, target = ''] of page.matchAll(/\]\((?!https:)([^)#]+)/g)) expect([target, existsSync(resolve(dirname(path), target))]).toEqual([target, true]);
  });

  it('has an example that loads', () => {
    const root = join(packageRoot(), 'examples/autoscaler');
    expect(specOf(readFileSync(join(root, '.adi/hive.yaml'), 'utf8'), { source: 'autoscaler', projectRoot: root }).services).toHaveLength(1);
  });
});

import { describe, expect, it } from '@jest/globals';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { packageRoot } from '../../shared/package-root.js';

describe('examples/backup', () => {
  it('loses a machine, gets it back, and leaves nothing', async () => {
    const temporary = mkdtempSync(join(tmpdir(), 'hive-example-'));
    try {
      const child = spawn(process.execPath, [join(packageRoot(), 'dist/examples/run-backup.js')], { env: { ...process.env, NODE_OPTIONS: '', TMPDIR: temporary }, stdio: ['ignore', 'pipe', 'pipe'] });
      let printed = '';
      for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => { printed += chunk.toString(); });
      const [code] = (await once(child, 'close')) as [number | null];
      expect({ code, printed: code === 0 ? '' : printed }).toEqual({ code: 0, printed: '' });
      expect(printed).toMatch(/done {4}register source shop/);
      expect(printed).toMatch(/shop:worker +running +2\/2/);
      expect(readdirSync(temporary)).toEqual([]);
    } finally {
      rmSync(temporary, { recursive: true, force: true });
    }
  });
});

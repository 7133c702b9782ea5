import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from '@jest/globals';
import { renderUnit, type UnitFacts } from '../../hivectl/systemd/unit.js';
import { Sandbox } from './sandbox.js';

const root = mkdtempSync(join(tmpdir(), 'unit-'));
const sandboxes: Sandbox[] = [];
afterEach(async () => {
  for (const sandbox of sandboxes.splice(0)) await sandbox.end();
  rmSync(root, { recursive: true, force: true });
});

/** Paths with everything that a unit file gives a meaning to. */
function hostileFacts(scope: UnitFacts['scope']): UnitFacts {
  const folder = join(root, '50% of $HOME "quoted" \\n');
  mkdirSync(folder, { recursive: true });
  const node = join(folder, 'node');
  writeFileSync(node, '#!/bin/sh\n');
  chmodSync(node, 0o755);
  return { scope, node, home: join(folder, 'home'), hived: join(folder, 'main.js'), hivectl: join(folder, 'ctl.js'), path: '/usr/bin:/bin' };
}

const canVerify = spawnSync('systemd-analyze', ['--version']).status === 0;

describe('the unit of systemd', () => {
  it('leaves no marker of the template and has each path as it is', () => {
    const unit = renderUnit({ scope: 'system', home: '/h', node: '/n', hived: '/d', hivectl: '/c', path: '/bin' });
    expect(unit).not.toMatch(/@[A-Z_]+@/);
    expect(unit).toContain('Environment="HIVE_HOME=/h" "PATH=/bin"\n');
    expect(unit).toContain('ExecStart="/n" "/d"\n');
    expect(unit).toContain('WantedBy=multi-user.target');
    expect(renderUnit({ ...hostileFacts('user') })).toContain('WantedBy=default.target');
  });

  it('quotes what systemd would take for variables, specifiers and ends of words', () => {
    const unit = renderUnit(hostileFacts('system'));
    expect(unit).toContain(`/50%% of $HOME \\"quoted\\" \\\\n/home"`);
    expect(unit).toContain(`/50%% of $$HOME \\"quoted\\" \\\\n/main.js"`);
  });

  (canVerify ? it : it.skip)('is one that systemd itself finds nothing wrong with', () => {
    const file = join(root, 'hive.service');
    for (const scope of ['system', 'user'] as const) {
      const unit = renderUnit({ ...hostileFacts(scope), node: process.execPath });
      writeFileSync(file, unit);
      const { stderr, status } = spawnSync('systemd-analyze', ['verify', '--man=no', `--${scope}`, file], { encoding: 'utf8', env: { ...process.env, XDG_RUNTIME_DIR: root } });
      expect(stderr.split('\n').filter((line) => line.includes('hive.service'))).toEqual([]);
      expect(status).toBe(0);
    }
  });

  it('stops services while the machine goes down, and leaves them running otherwise', () => {
    const bin = join(root, 'bin');
    mkdirSync(bin, { recursive: true });
    const facts = { ...hostileFacts('system'), node: '/bin/echo' };
    const line = /^ExecStop=(.*)$/m.exec(renderUnit({ ...facts, hivectl: 'hivectl' }))?.[1] ?? '';
    // What systemd hands to exec: `$$` is a dollar to it.
    const run = (state: string): string => {
      writeFileSync(join(bin, 'systemctl'), `#!/bin/sh\necho ${state}\n`, { mode: 0o755 });
      return execFileSync('/bin/sh', ['-c', line.replaceAll('$$', '$')], { encoding: 'utf8', env: { PATH: `${bin}:/usr/bin:/bin` } }).trim();
    };
    expect(run('stopping')).toBe('hivectl daemon stop');
    expect(run('running')).toBe('hivectl daemon stop --keep-services');
    expect(run('degraded')).toBe('hivectl daemon stop --keep-services');
  });

  // On a machine with systemd this would install a unit.
  (existsSync('/run/systemd/system') ? it.skip : it)('says what to do on a machine without systemd', async () => {
    const sandbox = new Sandbox();
    sandboxes.push(sandbox);
    const { code, err } = await sandbox.start(sandbox.root, ['systemd', 'install']).finished;
    expect(code).toBe(1);
    expect(err).toContain('was not booted with systemd');
    expect(err).toContain('hivectl daemon start');
  });
});

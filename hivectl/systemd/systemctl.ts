import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { HiveError } from '../../shared/errors/hive-error.js';
import { unitName, type Scope } from './unit.js';

/** Where the unit file of this scope lies. */
export function unitPath(scope: Scope): string {
  if (scope === 'system') return join('/etc/systemd/system', unitName);
  const configured = process.env['XDG_CONFIG_HOME'];
  return join(configured === undefined || configured === '' ? join(homedir(), '.config') : configured, 'systemd', 'user', unitName);
}

/** @throws HiveError NOT_SUPPORTED, PERMISSION_DENIED */
export function refuseWithoutSystemd(scope: Scope): void {
  // What sd_booted(3) looks at.
  if (!existsSync('/run/systemd/system')) {
    throw new HiveError('NOT_SUPPORTED', 'This machine was not booted with systemd.', {
      next: 'Start the daemon with `hivectl daemon start`; `hivectl systemd print` shows the unit for another machine.',
    });
  }
  if (scope === 'system' && process.getuid?.() !== 0) {
    throw new HiveError('PERMISSION_DENIED', 'Only root may install a unit for the whole machine.', {
      next: 'Use `hivectl systemd install --user` for a daemon of your own, or run this with sudo.',
    });
  }
}

/** Runs systemctl in a scope. @throws HiveError INTERNAL with what systemctl said */
export async function systemctl(scope: Scope, ...words: readonly string[]): Promise<void> {
  const { failed, stderr, shortMessage } = await execa('systemctl', [`--${scope}`, ...words], { reject: false, stdin: 'ignore' });
  if (!failed) return;
  throw new HiveError('INTERNAL', `systemctl ${words.join(' ')} failed: ${stderr.trim() === '' ? String(shortMessage) : stderr.trim()}`, {
    next: `See \`journalctl ${scope === 'user' ? '--user ' : ''}-u hive\`.`,
  });
}

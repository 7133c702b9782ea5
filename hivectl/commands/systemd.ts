import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { HiveError } from '../../shared/errors/hive-error.js';
import { packageRoot } from '../../shared/package-root.js';
import type { Context } from '../context.js';
import { daemonProgram } from '../daemon-process/launch-daemon.js';
import { refuseWithoutSystemd, systemctl, unitPath } from '../systemd/systemctl.js';
import { renderUnit, unitName, type Scope } from '../systemd/unit.js';
import { endDaemon } from './daemon.js';

/** How long the daemon that runs already may take to hand its services over. */
const handOverMs = 120_000;

interface SystemdArguments {
  readonly user: boolean;
}

/** `hivectl systemd print`: the unit as `install` would write it. */
export async function printUnit(context: Context, args: SystemdArguments): Promise<void> {
  const unit = unitOf(context, scopeOf(args));
  context.show({ path: unitPath(scopeOf(args)), unit }, () => [unit.trimEnd()]);
}

/** `hivectl systemd install`: a daemon that runs already hands its services over to the one of the unit. */
export async function installUnit(context: Context, args: SystemdArguments): Promise<void> {
  const scope = scopeOf(args);
  const path = unitPath(scope);
  refuseWithoutSystemd(scope);
  if (existsSync(path)) await systemctl(scope, 'stop', unitName);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, unitOf(context, scope));
  await systemctl(scope, 'daemon-reload');
  await endDaemon(context, true, handOverMs);
  await systemctl(scope, 'enable', '--now', unitName);
  context.show({ path }, () => [
    `Installed and started ${path}; its home is ${context.home.home}.`,
    scope === 'user' ? 'To run it while you are not logged in: loginctl enable-linger' : 'See it with: systemctl status hive',
  ]);
}

/** `hivectl systemd uninstall`: services run on, for `hivectl daemon start` to take over. */
export async function uninstallUnit(context: Context, args: SystemdArguments): Promise<void> {
  const scope = scopeOf(args);
  const path = unitPath(scope);
  refuseWithoutSystemd(scope);
  if (!existsSync(path)) throw new HiveError('NOT_FOUND', `There is no unit ${path}.`, { next: scope === 'system' ? 'Was it installed with --user?' : 'Was it installed without --user?' });
  await systemctl(scope, 'disable', '--now', unitName);
  rmSync(path);
  await systemctl(scope, 'daemon-reload');
  context.show({ path }, () => [`Removed ${path}. Services run on; \`hivectl daemon start\` looks after them again.`]);
}

function scopeOf({ user }: SystemdArguments): Scope {
  return user ? 'user' : 'system';
}

function unitOf({ home }: Context, scope: Scope): string {
  return renderUnit({
    scope,
    home: home.home,
    node: process.execPath,
    hived: daemonProgram(),
    hivectl: join(packageRoot(), 'dist', 'hivectl', 'main.js'),
    path: process.env['PATH'] ?? '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
  });
}

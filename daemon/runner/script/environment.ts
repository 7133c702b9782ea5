import { HiveError } from '../../../shared/errors/hive-error.js';

/** In every service's environment: the incarnation it belongs to. What it leaves behind is found by it. */
export const incarnationVariable = 'HIVE_INSTANCE_KEY';

const allowed = new Set(['PATH', 'HOME', 'USER', 'LOGNAME', 'SHELL', 'LANG', 'LANGUAGE', 'TZ', 'TMPDIR']);
const usualPath = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** The part of the daemon's environment that services may see: who and where they are, and their language. */
export function allowListedEnvironment(environment: NodeJS.ProcessEnv): Record<string, string> {
  const chosen: Record<string, string> = { PATH: usualPath };
  for (const [name, value] of Object.entries(environment)) {
    if (value !== undefined && (allowed.has(name) || name.startsWith('LC_'))) chosen[name] = value;
  }
  return chosen;
}

/** The kernel's limit for one `NAME=value`, its closing NUL included. */
const longestEntryBytes = 128 * 1024;

/** Throws INVALID_CONFIG naming every variable that a shell, or the kernel, cannot hand to a process as it is. */
export function checkEnvironment(environment: Readonly<Record<string, string>>): void {
  const problems: string[] = [];
  for (const [name, value] of Object.entries(environment)) {
    if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) problems.push(`${JSON.stringify(name)} is not made of letters, digits and _, or starts with a digit`);
    else if (value.includes('\0')) problems.push(`the value of ${name} contains a NUL character`);
    else if (name.length + Buffer.byteLength(value) + 2 > longestEntryBytes) problems.push(`the value of ${name} is over 128 KiB`);
  }
  if (problems.length === 0) return;
  throw new HiveError('INVALID_CONFIG', `The environment cannot be passed on: ${problems.join('; ')}.`, {
    next: 'Rename or shorten the variable.',
    data: { problems },
  });
}

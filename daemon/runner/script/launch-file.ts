/** Everything that a shim needs to start one service. */
export interface LaunchOrder {
  /** The program's absolute path and its arguments. */
  readonly words: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  readonly workingDirectory: string;
  readonly stdoutPath: string;
  readonly stderrPath: string;
  readonly openFiles?: number;
  /** Folders of cgroups that the service enters before it is executed. */
  readonly cgroups?: readonly string[];
  /** Octal digits. */
  readonly umask: string;
}

/** What launcher.sh and its shell have in their own environment; no service sees it. */
const launcherVariables = ['PATH', 'LC_ALL', 'PWD', 'OLDPWD', 'SHLVL'];

/**
 * Names that some shell keeps for itself: assigning them fails or does not stick, so that they go through `env`, where
 * they are on a command line for a moment. None of them is a place for a secret. Each is written out: `MAIL\w*` would put
 * MAILGUN_API_KEY before everybody's eyes.
 */
const shellOwned = new Set([
  '_', 'PWD', 'OLDPWD', 'SHLVL', 'PPID', 'UID', 'EUID', 'GROUPS', 'SHELLOPTS', 'OPTIND', 'OPTARG', 'OPTERR', 'LINENO', 'RANDOM', 'SRANDOM', 'SECONDS',
  'EPOCHREALTIME', 'EPOCHSECONDS', 'DIRSTACK', 'FUNCNAME', 'HISTCMD', 'HISTSIZE', 'PIPESTATUS', 'POSIXLY_CORRECT', 'MAIL', 'MAILCHECK', 'MAILPATH', 'IFS', 'TERM',
  'COMP_CWORD', 'COMP_KEY', 'COMP_LINE', 'COMP_POINT', 'COMP_TYPE', 'COMP_WORDBREAKS', 'COMP_WORDS',
  'BASH', 'BASHOPTS', 'BASHPID', 'BASH_ALIASES', 'BASH_ARGC', 'BASH_ARGV', 'BASH_ARGV0', 'BASH_CMDS', 'BASH_COMMAND', 'BASH_COMPAT', 'BASH_ENV',
  'BASH_EXECUTION_STRING', 'BASH_LINENO', 'BASH_LOADABLES_PATH', 'BASH_MONOSECONDS', 'BASH_REMATCH', 'BASH_SOURCE', 'BASH_SUBSHELL', 'BASH_TRAPSIG',
  'BASH_VERSINFO', 'BASH_VERSION', 'BASH_XTRACEFD',
]);

/**
 * The shell text that a shim sources. The service's environment is exported inside a function that only the service's
 * own fork calls: an `IFS` or `PATH` meant for the service never reaches the shim.
 */
export function launchFileText(order: LaunchOrder): string {
  const names = Object.entries(order.environment);
  const lines = [
    `hive_folder=${quoteForShell(order.workingDirectory)}`,
    'hive_service() {',
    // Its own fork enters, so that nothing of it ever runs outside; 0 means whoever writes.
    ...(order.cgroups ?? []).map((folder) => `{ echo 0 >> ${quoteForShell(`${folder}/cgroup.procs`)}; } 2>> ${quoteForShell(order.stderrPath)} || exit`),
    `umask ${order.umask}`,
    ...(order.openFiles === undefined ? [] : [`ulimit -n ${order.openFiles} || exit`]),
    `unset ${launcherVariables.join(' ')}`,
    ...names.filter(([name]) => !shellOwned.has(name)).map(([name, value]) => `export ${name}=${quoteForShell(value)}`),
    ['exec "$@"', ...names.filter(([name]) => shellOwned.has(name)).map(([name, value]) => `${name}=${quoteForShell(value)}`), ...order.words.map(quoteForShell)].join(' ') +
      ` >> ${quoteForShell(order.stdoutPath)} 2>> ${quoteForShell(order.stderrPath)}`,
    '}',
    '',
  ];
  return lines.join('\n');
}

/** One shell word that means exactly `text`, whatever is in it. NUL cannot be in it. */
export function quoteForShell(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}

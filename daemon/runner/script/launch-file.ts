/** Everything that a shim needs to start one service. */
export interface LaunchOrder {
  /** The program's absolute path and its arguments. */
  readonly words: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  readonly workingDirectory: string;
  readonly stdoutPath: string;
  readonly stderrPath: string;
  readonly openFiles?: number;
}

/** What launcher.sh and its shell have in their own environment; no service sees it. */
const launcherVariables = ['PATH', 'LC_ALL', 'PWD', 'OLDPWD', 'SHLVL'];

/**
 * Names that some shell keeps for itself: assigning them fails or does not stick, so that they go through `env`, where
 * they are on a command line for a moment. None of them is a place for a secret.
 */
const shellOwned = /^(_|PWD|OLDPWD|SHLVL|PPID|UID|EUID|GROUPS|SHELLOPTS|BASH\w*|OPTIND|OPTARG|OPTERR|LINENO|S?RANDOM|SECONDS|EPOCH\w+|DIRSTACK|FUNCNAME|HISTCMD|COMP_\w+|PIPESTATUS|POSIXLY_CORRECT|MAIL\w*|IFS|HISTSIZE|TERM)$/;

/**
 * The shell text that a shim sources. The service's environment is exported inside a function that only the service's
 * own fork calls: an `IFS` or `PATH` meant for the service never reaches the shim.
 */
export function launchFileText(order: LaunchOrder): string {
  const names = Object.entries(order.environment);
  const lines = [
    `hive_folder=${quoteForShell(order.workingDirectory)}`,
    'hive_service() {',
    'umask 022',
    ...(order.openFiles === undefined ? [] : [`ulimit -n ${order.openFiles} || exit`]),
    `unset ${launcherVariables.join(' ')}`,
    ...names.filter(([name]) => !shellOwned.test(name)).map(([name, value]) => `export ${name}=${quoteForShell(value)}`),
    ['exec "$@"', ...names.filter(([name]) => shellOwned.test(name)).map(([name, value]) => `${name}=${quoteForShell(value)}`), ...order.words.map(quoteForShell)].join(' ') +
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

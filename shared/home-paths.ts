import { homedir } from 'node:os';
import { join, resolve } from 'node:path';

/** Where everything of one daemon lies (docs: ARCHITECTURE.md, "Home"). Absolute paths. */
export interface HomePaths {
  readonly home: string;
  readonly socket: string;
  readonly pidFile: string;
  readonly daemonLog: string;
  /** The default source, as a file or as a database; either is optional. */
  readonly defaultYaml: string;
  readonly defaultDatabase: string;
  readonly stateDatabase: string;
  readonly runFolder: string;
  readonly logsFolder: string;
  readonly pluginsFolder: string;
  readonly pluginDataFolder: string;
}

/** `$HIVE_HOME`, made absolute, or `~/.adi/hive`. An empty HIVE_HOME counts as unset. */
export function defaultHome(environment: Readonly<Record<string, string | undefined>> = process.env): string {
  const named = environment['HIVE_HOME'];
  return named === undefined || named === '' ? join(homedir(), '.adi', 'hive') : resolve(named);
}

/** The paths below a home folder; looks at no file. */
export function homePaths(home: string = defaultHome()): HomePaths {
  const root = resolve(home);
  return {
    home: root,
    socket: join(root, 'hive.sock'),
    pidFile: join(root, 'hive.pid'),
    daemonLog: join(root, 'hived.log'),
    defaultYaml: join(root, 'hive.yaml'),
    defaultDatabase: join(root, 'hive.db'),
    stateDatabase: join(root, 'state.db'),
    runFolder: join(root, 'run'),
    logsFolder: join(root, 'logs'),
    pluginsFolder: join(root, 'plugins'),
    pluginDataFolder: join(root, 'plugin-data'),
  };
}

import type { Option } from './command.js';

/** Options that every command takes. */
export const globalOptions = {
  home: { type: 'string', describe: 'the home folder of the daemon (default: $HIVE_HOME, or ~/.adi/hive)' },
  socket: { type: 'string', describe: 'the socket of the daemon (default: hive.sock in its home)' },
  json: { type: 'boolean', describe: 'print the result as JSON and nothing else' },
  color: { type: 'boolean', default: true, describe: 'colours on a terminal; --no-color and NO_COLOR turn them off' },
  quiet: { type: 'boolean', alias: 'q', describe: 'print results and errors only' },
} as const satisfies Record<string, Option>;

export interface GlobalOptions {
  readonly home?: string | undefined;
  readonly socket?: string | undefined;
  readonly json: boolean;
  readonly color: boolean;
  readonly quiet: boolean;
}

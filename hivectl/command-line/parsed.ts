import { HiveError } from '../../shared/errors/hive-error.js';
import type { Command } from './command.js';
import type { GlobalOptions } from './global-options.js';

/** What a command line asks for: a command with its arguments, or a text to print (help, version). */
export type Parsed =
  | { readonly kind: 'command'; readonly command: Command; readonly args: Record<string, unknown>; readonly options: GlobalOptions }
  | { readonly kind: 'text'; readonly text: string };

/** Both parsers read by these rules of yargs-parser. */
export const parserRules = { 'camel-case-expansion': false, 'parse-positional-numbers': false, 'duplicate-arguments-array': true } as const;

/** Fills in what was not given. Throws INVALID_PARAMS for a number that is none. */
export function chosen(command: Command, given: Record<string, unknown>): Parsed {
  const args = { ...given };
  for (const [name, { many }] of Object.entries(command.positionals)) if (many === true) args[name] ??= [];
  for (const [name, { type }] of Object.entries(command.options)) {
    if (type === 'boolean') args[name] ??= false;
    if (Number.isNaN(args[name])) throw new HiveError('INVALID_PARAMS', `--${name} takes a number.`, { next: `Write it as --${name} 10.` });
  }
  return { kind: 'command', command, args, options: globalOptionsOf(args) };
}

function globalOptionsOf(args: Record<string, unknown>): GlobalOptions {
  const text = (name: string): string | undefined => (typeof args[name] === 'string' ? args[name] : undefined);
  return { home: text('home'), socket: text('socket'), json: args['json'] === true, color: args['color'] !== false, quiet: args['quiet'] === true };
}

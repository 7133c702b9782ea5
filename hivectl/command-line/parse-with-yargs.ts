import yargs, { type Argv } from 'yargs';
import { HiveError } from '../../shared/errors/hive-error.js';
import { ownVersion } from '../version.js';
import { usageOf, type Command, type Option } from './command.js';
import { globalOptions } from './global-options.js';
import { chosen, parserRules, type Parsed } from './parsed.js';
import { commands } from './table.js';

/**
 * Reads any command line, and explains what is wrong with it.
 * @throws HiveError INVALID_PARAMS with a sentence about what is wrong, and the nearest command for a misspelt one
 */
export async function parseWithYargs(words: readonly string[], columns: number | null): Promise<Parsed> {
  let found: Parsed | undefined;
  const parser = yargs([...words])
    .scriptName('hivectl')
    .locale('en')
    .parserConfiguration(parserRules)
    .usage('$0 <command>')
    .options(globalOptions)
    .version(ownVersion())
    .help()
    .alias('h', 'help')
    .strict()
    .recommendCommands()
    .wrap(columns === null ? 100 : Math.min(120, columns))
    .exitProcess(false)
    .fail((message: string | undefined, error: Error | undefined) => {
      throw error === undefined || error.name === 'YError' ? refusal(message ?? error?.message ?? 'The command line is not understood', words) : error;
    });
  for (const row of commands) register(parser, row, words, (command, args) => (found = chosen(command, args)));
  parser.demandCommand(1, 'Say what to do: hivectl <command>');
  let text = '';
  await parser.parseAsync([...words], {}, (_error: unknown, _args: unknown, output: string) => {
    text = output;
  });
  if (text !== '') return { kind: 'text', text: text.trim() };
  if (found === undefined) throw new HiveError('INVALID_PARAMS', `hivectl ${words.join(' ')} names no command.`, { next: 'See hivectl --help.' });
  return found;
}

function register(parser: Argv, row: Command, words: readonly string[], choose: (row: Command, args: Record<string, unknown>) => void): void {
  parser.command(
    [usageOf(row), ...(row.aliases ?? [])],
    row.describe,
    (inner) => {
      for (const [name, { describe, choices, many }] of Object.entries(row.positionals)) {
        inner.positional(name, { describe, type: 'string', ...(choices === undefined ? {} : { choices }), ...(many === true ? { array: true } : {}) });
      }
      inner.options(Object.fromEntries(Object.entries(row.options).map(([name, option]) => [name, yargsOption(option)])));
      for (const below of row.commands) register(inner, below, words, choose);
      if (row.run === null) inner.demandCommand(1, `Say which: hivectl ${row.name} ${row.commands.map(({ name }) => name).join('|')}`);
      return inner;
    },
    (args) => {
      if (row.run !== null) choose(row, withDash(row, args, words));
    },
  );
}

function yargsOption({ type, describe, alias, choices, required, many, ...rest }: Option): object {
  return {
    type,
    describe,
    ...(alias === undefined ? {} : { alias }),
    ...(choices === undefined ? {} : { choices }),
    ...(required === undefined ? {} : { demandOption: required }),
    ...(many === true ? { array: true, nargs: 1, default: [] } : { requiresArg: type !== 'boolean' }),
    ...(rest.default === undefined ? {} : { default: rest.default }),
  };
}

/** yargs (18.2) makes an empty text of the word `-` where it stands for a positional. */
function withDash({ positionals }: Command, args: Record<string, unknown>, words: readonly string[]): Record<string, unknown> {
  if (!words.includes('-')) return args;
  return Object.fromEntries(Object.entries(args).map(([name, value]) => [name, name in positionals && value === '' ? '-' : value]));
}

/** yargs answers a misspelt command with nothing but its suggestion. */
function refusal(message: string, words: readonly string[]): HiveError {
  const suggestion = /^Did you mean (.+)\?$/.exec(message.trim())?.[1];
  if (suggestion === undefined) return new HiveError('INVALID_PARAMS', sentence(message), { next: 'See hivectl --help.' });
  return new HiveError('INVALID_PARAMS', `There is no command hivectl ${words.filter((word) => !word.startsWith('-')).join(' ')}.`, {
    next: `Did you mean ${suggestion}?`,
    data: { suggestion },
  });
}

function sentence(message: string): string {
  const oneLine = message.trim().replace(/\s*\n\s*/g, ' ');
  return /[.!?]$/.test(oneLine) ? oneLine : `${oneLine}.`;
}

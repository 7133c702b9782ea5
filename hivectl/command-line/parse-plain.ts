import parser from 'yargs-parser';
import type { Command, Option } from './command.js';
import { globalOptions } from './global-options.js';
import { chosen, parserRules, type Parsed } from './parsed.js';
import { commands } from './table.js';

/**
 * Reads a command line in which nothing is wrong and nothing needs explaining, by yargs' own parser but without the rest
 * of yargs, which takes as long to load as everything else together. Null: yargs has to look at it, be it to explain.
 */
export function parsePlain(words: readonly string[]): Parsed | null {
  const found = findCommand(words);
  if (found === null) return null;
  const { command, rest } = found;
  const options: Record<string, Option> = { ...globalOptions, ...command.options };
  // What stands after `--` is no option, however it begins. yargs loses it.
  const [own, literal] = splitAtDashes(rest);
  const { argv, error, aliases } = parser.detailed(own, parserOptions(options));
  if (error !== null) return null;
  const { _: positionals, ...given } = argv;
  const known = new Set([...Object.keys(options), ...Object.values(aliases).flat()]);
  if (Object.keys(given).some((name) => !known.has(name))) return null;
  if (!Object.entries(options).every(([name, option]) => isPlain(given[name], option))) return null;
  const placed = placePositionals(command, [...positionals.map(String), ...literal]);
  return placed === null ? null : chosen(command, { ...given, ...placed });
}

function splitAtDashes(words: readonly string[]): [string[], string[]] {
  const at = words.indexOf('--');
  return at === -1 ? [[...words], []] : [words.slice(0, at), words.slice(at + 1)];
}

/** The command that the first words name, spelt in full and before any option. */
function findCommand(words: readonly string[]): { command: Command; rest: readonly string[] } | null {
  let among = commands;
  for (const [index, word] of words.entries()) {
    const command = among.find(({ name, aliases = [] }) => name === word || aliases.includes(word));
    if (command === undefined) return null;
    if (command.run !== null) return { command, rest: words.slice(index + 1) };
    among = command.commands;
  }
  return null;
}

function parserOptions(options: Readonly<Record<string, Option>>): parser.Options {
  const entries = Object.entries(options);
  const names = (wanted: (option: Option) => boolean): string[] => entries.filter(([, option]) => wanted(option)).map(([name]) => name);
  // What yargs tells its parser for "one value each time" and for "must have a value".
  const valuesOf = ({ many }: Option): number => (many === true ? 1 : Number.NaN);
  const defaultOf = ({ many, default: byDefault }: Option): unknown => (many === true ? [] : byDefault);
  const defaults = entries.map(([name, option]): [string, unknown] => [name, defaultOf(option)]);
  return {
    alias: Object.fromEntries(entries.flatMap(([name, { alias }]) => (alias === undefined ? [] : [[name, [alias]]]))),
    array: names(({ many }) => many === true),
    boolean: names(({ type }) => type === 'boolean'),
    string: names(({ type }) => type === 'string'),
    number: names(({ type }) => type === 'number'),
    narg: Object.fromEntries(entries.filter(([, { type }]) => type !== 'boolean').map(([name, option]) => [name, valuesOf(option)])),
    default: Object.fromEntries<unknown>(defaults.filter(([, value]) => value !== undefined)),
    configuration: parserRules,
  };
}

/** Given once, with a value, and one of its choices. */
function isPlain(value: unknown, { type, choices, required, many }: Option): boolean {
  if (value === undefined) return required !== true;
  if (many === true) return Array.isArray(value) && value.every((each) => typeof each === type && each !== '');
  if (typeof value !== type || value === '' || Number.isNaN(value)) return false;
  return choices === undefined || choices.some((choice) => choice === value);
}

/** Words by the names of the positionals they stand for; null when there are too few, too many or a wrong one. */
function placePositionals(command: Command, words: readonly string[]): Record<string, string | string[]> | null {
  const left = [...words];
  const placed: Record<string, string | string[]> = {};
  for (const [name, { many, required, choices }] of Object.entries(command.positionals)) {
    const taken = many === true ? left.splice(0) : left.splice(0, 1);
    if (required === true && taken.length === 0) return null;
    if (taken.some((word) => word === '' || (choices !== undefined && !choices.includes(word)))) return null;
    const [first] = taken;
    if (many === true) placed[name] = taken;
    else if (first !== undefined) placed[name] = first;
  }
  return left.length === 0 ? placed : null;
}

import { globalOptions } from './global-options.js';
import type { Command, Option, WordKind } from './command.js';

/** The names that words may stand for; asked for only when one is to be completed. */
export interface Names {
  services(): Promise<readonly string[]>;
  sources(): Promise<readonly string[]>;
  plugins(): Promise<readonly string[]>;
}

/**
 * What the last of `words` may become. Empty where a file is wanted, which the shell completes itself.
 */
export async function complete(words: readonly string[], commands: readonly Command[], names: Names): Promise<string[]> {
  const current = words.at(-1) ?? '';
  const before = words.slice(0, -1);
  const { command, rest, choices } = walk(before, commands);
  const options: Record<string, Option> = { ...globalOptions, ...command?.options };
  const awaited = awaitsValue(before.at(-1), options);
  if (awaited !== null) return matching(awaited.choices ?? [], current);
  if (current.startsWith('-')) return matching(Object.keys(options).map((name) => `--${name}`), current);
  if (choices.length > 0) return matching(choices.map(({ name }) => name), current);
  const kinds = Object.values(command?.positionals ?? {});
  const positional = kinds[rest] ?? kinds.find(({ many }) => many === true);
  if (positional === undefined) return [];
  return matching(positional.choices ?? (await namesOf(positional.kind, names)), current);
}

/** The command that the words lead to, how many positionals follow it, and the commands that may come next. */
function walk(before: readonly string[], commands: readonly Command[]): { command: Command | null; rest: number; choices: readonly Command[] } {
  let command: Command | null = null;
  let choices = commands;
  let rest = 0;
  let skip = false;
  for (const word of before) {
    const options: Record<string, Option> = { ...globalOptions, ...command?.options };
    if (skip) skip = false;
    else if (word.startsWith('-')) skip = awaitsValue(word, options) !== null;
    else if (choices.length === 0) rest += 1;
    else {
      command = choices.find(({ name, aliases = [] }) => name === word || aliases.includes(word)) ?? null;
      if (command === null) return { command: null, rest: 0, choices: [] };
      choices = command.commands;
    }
  }
  return { command, rest, choices };
}

/** The option that takes the next word as its value. */
function awaitsValue(word: string | undefined, options: Record<string, Option>): Option | null {
  if (word === undefined || !word.startsWith('-') || word.includes('=')) return null;
  const name = word.replace(/^--?/, '');
  const option = Object.entries(options).find(([key, { alias }]) => key === name || alias === name)?.[1];
  return option === undefined || option.type === 'boolean' ? null : option;
}

function namesOf(kind: WordKind, names: Names): Promise<readonly string[]> | readonly string[] {
  switch (kind) {
    case 'service':
      return names.services();
    case 'source':
      return names.sources();
    case 'plugin':
      return names.plugins();
    case 'file':
    case 'shell':
    case 'text':
      return [];
  }
}

function matching(candidates: readonly string[], current: string): string[] {
  return candidates.filter((candidate) => candidate.startsWith(current)).sort();
}

import type { Context } from '../context.js';
import type { ExitCode } from '../exit-codes.js';

/** What a word on the command line stands for, so that it can be completed. */
export type WordKind = 'service' | 'source' | 'plugin' | 'file' | 'shell' | 'text';

export interface Positional {
  readonly kind: WordKind;
  readonly describe: string;
  readonly many?: boolean;
  readonly required?: boolean;
  readonly choices?: readonly string[];
}

export interface Option {
  readonly type: 'boolean' | 'string' | 'number';
  readonly describe: string;
  readonly alias?: string;
  readonly default?: string | number | boolean;
  readonly choices?: readonly string[];
  readonly required?: boolean;
  /** May be given more than once. */
  readonly many?: boolean;
}

type PositionalValue<P extends Positional> = P extends { many: true } ? string[] : P extends { required: true } ? string : string | undefined;
type Scalar<O extends Option> = O extends { choices: readonly (infer C)[] } ? C : O['type'] extends 'boolean' ? boolean : O['type'] extends 'number' ? number : string;
type OptionValue<O extends Option> = O extends { many: true }
  ? Scalar<O>[]
  : O extends { default: string | number | boolean } | { required: true } | { type: 'boolean' }
    ? Scalar<O>
    : Scalar<O> | undefined;

/** The words and options of a command as its code receives them; options keep the spelling of the command line. */
export type Arguments<P extends Record<string, Positional>, O extends Record<string, Option>> = {
  readonly [K in keyof P]: PositionalValue<P[K]>;
} & { readonly [K in keyof O]: OptionValue<O[K]> };

/** One command as data: parsing, help and completion derive from it. Its code is loaded when it runs. */
export interface Command {
  readonly name: string;
  readonly aliases?: readonly string[];
  readonly describe: string;
  readonly positionals: Readonly<Record<string, Positional>>;
  readonly options: Readonly<Record<string, Option>>;
  /** Loads the command's code; null for a command that only groups others. */
  readonly run: ((context: Context, args: never) => Promise<ExitCode | void>) | null;
  readonly commands: readonly Command[];
}

/** Writes a command down; the arguments of `run` are typed from its positionals and options. */
export function command<
  const P extends Record<string, Positional> = Record<never, never>,
  const O extends Record<string, Option> = Record<never, never>,
>(row: {
  name: string;
  aliases?: readonly string[];
  describe: string;
  positionals?: P;
  options?: O;
  run: (context: Context, args: Arguments<P, O>) => Promise<ExitCode | void>;
}): Command {
  return { positionals: {}, options: {}, commands: [], ...row };
}

/** A command that only groups others: `hivectl source list`. */
export function group(name: string, describe: string, commands: readonly Command[]): Command {
  return { name, describe, positionals: {}, options: {}, run: null, commands };
}

/** How help writes a command and its words: `stop <service..>`. */
export function usageOf(row: Command): string {
  const words = Object.entries(row.positionals).map(([name, { many, required }]) => {
    const inner = many === true ? `${name}..` : name;
    return required === true ? `<${inner}>` : `[${inner}]`;
  });
  return [row.name, ...words].join(' ');
}

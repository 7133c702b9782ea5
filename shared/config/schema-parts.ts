import { z } from 'zod';
import { parseDuration } from './durations.js';
import type { Measure } from './measure.js';
import { nameProblem } from './names.js';
import { parsePercentage, parseSize } from './sizes.js';

/**
 * The bricks of the schema. A message given here is a predicate that continues a sentence whose subject is the field:
 * "has no unit: write 30s". Where no message is given, `problems-from-issues.ts` words it.
 */

/** A text that says something. */
export const text = () => z.string().min(1);

/** A number with a unit, read by one of the parsers; a bare number is refused with the unit it lacks. */
function measure(parse: (written: string) => Measure, kind: string, examples: [string, ...string[]], pattern: string) {
  return z
    .string({
      error: (issue) => {
        if (typeof issue.input !== 'number') return undefined;
        const refused = parse(String(issue.input));
        return refused.ok ? undefined : refused.message;
      },
    })
    .meta({ pattern, examples, title: kind })
    .transform((written, context) => {
      const measured = parse(written);
      if (measured.ok) return measured.value;
      context.addIssue({ code: 'custom', message: measured.message });
      return z.NEVER;
    });
}

/** Milliseconds. */
export const duration = () => measure(parseDuration, 'duration', ['30s', '500ms', '5m', '1h'], '^\\s*\\d+(\\.\\d+)?\\s*(ms|s|m|h|d)\\s*$');

/** Milliseconds, and not none. */
export const positiveDuration = () => duration().refine((milliseconds) => milliseconds > 0, { error: 'must be more than nothing' });

/** Bytes. */
export const size = () => measure(parseSize, 'size', ['10MB', '512KB', '1GB'], '^\\s*\\d+(\\.\\d+)?\\s*(B|[KMGT]i?B)\\s*$');

/** A fraction from 0 to 1. */
export const percentage = () => measure(parsePercentage, 'percentage', ['80%'], '^\\s*\\d+(\\.\\d+)?\\s*%\\s*$');

/** A whole number. `${env.N}` makes a text of its digits, so that such a text counts as the number. */
export function wholeNumber(least: number, most: number) {
  return z.preprocess(
    (value) => (typeof value === 'string' && /^\d{1,9}$/.test(value) ? Number(value) : value),
    z.int().min(least).max(most),
  );
}

/** true or false, also as a text, which is what `${env.FLAG}` makes. */
export const flag = () => z.preprocess((value) => (value === 'true' ? true : value === 'false' ? false : value), z.boolean());

/** One or a list of them; always a list afterwards. */
export function oneOrMany<Item extends z.ZodType>(item: Item) {
  return z.union([item, z.array(item)]).transform((value): z.output<Item>[] => (Array.isArray(value) ? (value as z.output<Item>[]) : [value as z.output<Item>]));
}

/** A command: a text or the list of its arguments. */
export const command = () => z.union([text(), z.array(z.string()).min(1)]);

export const environmentName = () =>
  z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/, { error: 'is not the name of an environment variable: letters, digits and _, not starting with a digit' });

/** Texts by name; numbers and flags count as the text that was typed. */
export function texts<Key extends z.ZodType<string, string>>(key: Key) {
  return z.record(key, z.union([z.string(), z.number(), z.boolean()]).transform(String));
}

export const named = (kind: Parameters<typeof nameProblem>[0]) =>
  z.string().superRefine((name, context) => {
    const problem = nameProblem(kind, name);
    if (problem !== null) context.addIssue({ code: 'custom', message: problem });
  });

type BlockOf<Blocks extends Record<string, z.ZodType>, Beside extends z.ZodRawShape> = {
  [Type in keyof Blocks & string]: { readonly type: Type; readonly settings: z.output<Blocks[Type]>; readonly beside: z.output<z.ZodObject<Beside>> };
}[keyof Blocks & string];

/**
 * `{type: x, x: {…}}`: the shape of runners, rollouts and health checks. Afterwards `{type, settings, beside}`, where
 * `beside` holds those of its keys that stand next to `type`.
 */
export function typed<Blocks extends Record<string, z.ZodType>, Beside extends z.ZodRawShape = Record<never, never>>(blocks: Blocks, typeMeaning: string, beside?: Beside) {
  const types = Object.keys(blocks);
  const shape: Record<string, z.ZodType> = { type: z.enum(types).describe(typeMeaning), ...(beside as Record<string, z.ZodType> | undefined) };
  for (const [type, block] of Object.entries(blocks)) shape[type] = block.optional();
  return z
    .strictObject(shape)
    .superRefine((value, context) => {
      const type = value['type'] as string;
      const strangers = types.filter((other) => other !== type && value[other] !== undefined);
      if (value[type] === undefined && strangers.length === 0) {
        context.addIssue({ code: 'custom', path: [type], message: `is missing: with type ${type}, its settings stand under ${type}` });
      }
      for (const other of strangers) {
        context.addIssue({ code: 'custom', path: [other], message: `does not belong here, because type is ${type}` });
      }
    })
    .transform((value) => {
      const own = Object.fromEntries(Object.keys(beside ?? {}).filter((key) => value[key] !== undefined).map((key) => [key, value[key]]));
      return { type: value['type'], settings: value[value['type'] as string], beside: own } as unknown as BlockOf<Blocks, Beside>;
    });
}

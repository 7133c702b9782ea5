import { z } from 'zod';
import { checkAgainst } from './check-against-schema.js';
import { nodeAt, type ConfigNode } from './config-node.js';
import { parseDuration } from './durations.js';
import type { ProblemList } from './problem-list.js';
import { duration, flag, size, text, wholeNumber } from './schema-parts.js';
import { parseSize } from './sizes.js';

/** What a setting of a plugin may be: one of these kinds, or any of several. */
export const settingKinds = ['duration', 'size', 'number', 'flag', 'text', 'texts', 'any'] as const;
export type SettingKind = (typeof settingKinds)[number];

/** One setting, as a manifest declares it. */
export interface SettingDeclaration {
  readonly kinds: readonly SettingKind[];
  readonly description: string;
  /** For durations and sizes as they are written (`30s`), for numbers as numbers; where it is absent there is no bound. */
  readonly least?: string | number;
  readonly most?: string | number;
  readonly default?: unknown;
}

/** By plugin id, then by setting. */
export type DeclaredSettings = Readonly<Record<string, Readonly<Record<string, SettingDeclaration>>>>;

/** The `settings` of a manifest. @throws TypeError with a sentence about the first that is wrong */
export function readDeclarations(value: unknown): Record<string, SettingDeclaration> {
  if (!isMap(value)) throw new TypeError('The settings of the manifest are not an object.');
  return Object.fromEntries(Object.entries(value).map(([name, given]) => [name, readDeclaration(name, given)]));
}

function readDeclaration(name: string, given: unknown): SettingDeclaration {
  if (!isMap(given)) throw new TypeError(`The setting ${name} of the manifest is not an object.`);
  const { type, description = '', least, most, default: otherwise } = given;
  const kinds = (Array.isArray(type) ? type : [type]) as SettingKind[];
  if (kinds.length === 0 || !kinds.every((kind) => settingKinds.includes(kind))) throw new TypeError(`The setting ${name} of the manifest has another type than ${settingKinds.join(', ')}, or a list of these.`);
  if (typeof description !== 'string') throw new TypeError(`The description of the setting ${name} of the manifest is no text.`);
  for (const bound of [least, most]) {
    if (bound !== undefined && kinds.every((kind) => valueOf(kind, bound) === null)) throw new TypeError(`A bound of the setting ${name} of the manifest is no ${kinds.join(' or ')}.`);
  }
  return {
    kinds, description,
    ...(least === undefined ? {} : { least: least as string | number }),
    ...(most === undefined ? {} : { most: most as string | number }),
    ...(otherwise === undefined ? {} : { default: otherwise }),
  };
}

/** What the settings of one plugin have to be like. `enabled` is every plugin's. */
export function settingsSchema(declared: Readonly<Record<string, SettingDeclaration>>): z.ZodType {
  const fields = Object.fromEntries(Object.entries(declared).map(([name, setting]) => [name, settingSchema(setting).optional().describe(setting.description)]));
  return z.strictObject({ enabled: flag().optional().describe('Run the plugin.'), ...fields });
}

/** Reports what is wrong with the settings of the plugins that declare theirs. */
export function checkPluginSettings(root: ConfigNode | null, declared: DeclaredSettings, problems: ProblemList): void {
  if (root === null) return;
  for (const [plugin, settings] of Object.entries(declared)) {
    const node = nodeAt(root, ['plugins', plugin]);
    if (node?.kind !== 'map') continue;
    // What `enabled` has to be is said by the schema of the whole file already.
    const own = { ...node, entries: new Map([...node.entries].filter(([key]) => key !== 'enabled')) };
    checkAgainst(settingsSchema(settings), own, ['plugins', plugin], problems);
  }
}

function settingSchema(setting: SettingDeclaration): z.ZodType {
  const [first, ...others] = setting.kinds.map((kind) => bounded(kind, setting));
  if (first === undefined) return z.unknown();
  return others.length === 0 ? first : z.union([first, ...others]);
}

function bounded(kind: SettingKind, { least, most }: SettingDeclaration): z.ZodType {
  const [low, high] = [least, most].map((bound) => (bound === undefined ? null : valueOf(kind, bound)));
  const fits = (value: unknown): boolean => typeof value !== 'number' || ((low ?? value) <= value && value <= (high ?? value));
  const range = least === undefined ? `more than ${most}` : most === undefined ? `less than ${least}` : `not between ${least} and ${most}`;
  return schemaOf(kind).refine(fits, { error: `is ${range}` });
}

function schemaOf(kind: SettingKind): z.ZodType {
  switch (kind) {
    case 'duration': return duration();
    case 'size': return size();
    case 'number': return wholeNumber(0, Number.MAX_SAFE_INTEGER);
    case 'flag': return flag();
    case 'text': return text();
    case 'texts': return z.array(text());
    case 'any': return z.unknown();
  }
}

/** A bound in the measure that values of its kind are compared in; null: it is none. */
function valueOf(kind: SettingKind, bound: unknown): number | null {
  if (kind === 'number') return typeof bound === 'number' ? bound : null;
  if (typeof bound !== 'string' || (kind !== 'duration' && kind !== 'size')) return null;
  const measured = kind === 'duration' ? parseDuration(bound) : parseSize(bound);
  return measured.ok ? measured.value : null;
}

function isMap(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

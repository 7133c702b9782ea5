import { HiveError } from '../errors/hive-error.js';
import { nearestName } from './nearest-name.js';

/**
 * `{{{…}}}` (a literal `{{…}}`) or `{{a.b…}}`. What does not start with a word and a dot is not ours: `{{.ID}}` and
 * `{{json .}}` belong to the programs that people call.
 */
const template = /\{\{\{([^{}]*)\}\}\}|\{\{([^{}]*)\}\}/g;

const isOurs = (inner: string) => /^\s*[A-Za-z][A-Za-z0-9_-]*\./.test(inner);

export type RuntimeReference = { readonly kind: 'port'; readonly port: string } | { readonly kind: 'uses'; readonly alias: string; readonly port: string };

export interface RuntimeValues {
  /** The instance's own ports by name. */
  readonly ports: Readonly<Record<string, number>>;
  /** The ports of what the service uses, by alias and name. */
  readonly uses?: Readonly<Record<string, Readonly<Record<string, number>>>>;
}

/** Reads what stands between `{{` and `}}`; null when it is none of the two forms. */
export function parseReference(inner: string): RuntimeReference | null {
  const trimmed = inner.trim();
  const port = /^runtime\.port\.([^\s.]+)$/.exec(trimmed);
  if (port?.[1] !== undefined) return { kind: 'port', port: port[1] };
  const uses = /^uses\.([^\s.]+)\.port\.([^\s.]+)$/.exec(trimmed);
  if (uses?.[1] !== undefined && uses[2] !== undefined) return { kind: 'uses', alias: uses[1], port: uses[2] };
  return null;
}

/**
 * Fills in `{{runtime.port.x}}` and `{{uses.y.port.z}}` and turns `{{{…}}}` into `{{…}}`. Plain substitution of numbers in a
 * text: nothing is quoted and nothing goes through a shell here. Throws INVALID_CONFIG for a port that is not known.
 */
export function resolveRuntime(text: string, values: RuntimeValues): string {
  if (!text.includes('{{')) return text;
  return text.replace(template, (whole: string, literal: string | undefined, inner: string | undefined) => {
    if (literal !== undefined) return `{{${literal}}}`;
    if (inner === undefined || !isOurs(inner)) return whole;
    const reference = parseReference(inner);
    const port = reference === null ? undefined : lookUp(reference, values);
    if (port === undefined) throw new HiveError('INVALID_CONFIG', `${whole} cannot be filled in: there is no such port.`, { data: { template: whole } });
    return String(port);
  });
}

function lookUp(reference: RuntimeReference, values: RuntimeValues): number | undefined {
  const ports = reference.kind === 'port' ? values.ports : own(values.uses ?? {}, reference.alias);
  return ports === undefined ? undefined : own(ports, reference.port);
}

function own<Value>(record: Readonly<Record<string, Value>>, key: string): Value | undefined {
  return Object.hasOwn(record, key) ? record[key] : undefined;
}

export interface TemplateMistake {
  readonly message: string;
  readonly expected: string;
  readonly suggestion?: string;
}

const forms = '{{runtime.port.<name>}} or {{uses.<alias>.port.<name>}}; {{{…}}} for a literal {{…}}';

/** Looks for references that can never be filled in. `ports` null: the ports are not known, so that none is wrong. */
export function templateMistakes(text: string, known: { ports: readonly string[] | null; aliases: readonly string[] | null }, owner = 'the service'): TemplateMistake[] {
  if (!text.includes('{{')) return [];
  const mistakes: TemplateMistake[] = [];
  for (const [whole, literal, inner] of text.matchAll(template)) {
    if (literal !== undefined || inner === undefined || !isOurs(inner)) continue;
    const reference = parseReference(inner);
    if (reference === null) mistakes.push(unknownForm(whole, inner.trim()));
    else if (reference.kind === 'port' && known.ports !== null && !known.ports.includes(reference.port)) {
      mistakes.push(unknownName(whole, 'port', reference.port, known.ports, owner, (name) => `{{runtime.port.${name}}}`));
    } else if (reference.kind === 'uses' && known.aliases !== null && !known.aliases.includes(reference.alias)) {
      mistakes.push(unknownName(whole, 'alias in uses', reference.alias, known.aliases, owner, (name) => `{{uses.${name}.port.${reference.port}}}`));
    }
  }
  return mistakes;
}

function unknownForm(whole: string, inner: string): TemplateMistake {
  const [first = '', second = ''] = inner.split('.');
  const near = nearestName(first, ['runtime', 'uses']);
  const fixed = near === null ? null : near === 'runtime' ? `{{runtime.port.${inner.split('.').at(-1)}}}` : `{{uses.${second}.port.${inner.split('.').at(-1)}}}`;
  return { message: `${whole} means nothing to Hive.`, expected: forms, ...(fixed === null ? {} : { suggestion: fixed }) };
}

function unknownName(whole: string, what: string, name: string, known: readonly string[], owner: string, write: (name: string) => string): TemplateMistake {
  const near = nearestName(name, known);
  const there = known.length === 0 ? `${owner} has none` : `there ${known.length === 1 ? 'is' : 'are'} ${known.join(', ')}`;
  return {
    message: `${whole} refers to the ${what} "${name}", which does not exist: ${there}.`,
    expected: forms,
    ...(near === null ? {} : { suggestion: write(near) }),
  };
}

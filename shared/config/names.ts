import { HiveError } from '../errors/hive-error.js';

export const longestName = 63;

type NameKind = 'source' | 'service' | 'port' | 'expose' | 'alias' | 'plugin';

const allowed: Record<NameKind, { rest: RegExp; said: string }> = {
  source: { rest: /^[a-z0-9-]$/, said: 'lower-case letters a-z, digits and -' },
  service: { rest: /^[a-z0-9_-]$/, said: 'lower-case letters a-z, digits, _ and -' },
  port: { rest: /^[a-z0-9_-]$/, said: 'lower-case letters a-z, digits, _ and -' },
  expose: { rest: /^[a-z0-9_-]$/, said: 'lower-case letters a-z, digits, _ and -' },
  plugin: { rest: /^[a-z0-9-]$/, said: 'lower-case letters a-z, digits and -' },
  alias: { rest: /^[a-z0-9_-]$/, said: 'lower-case letters a-z, digits, _ and -' },
};

/**
 * Says in a sentence why `name` cannot be the name of a source, a service, a plugin and so on; null when it can.
 * Names become folder names, so that this is also what keeps `../x` out.
 */
export function nameProblem(kind: NameKind, name: string): string | null {
  const { rest, said } = allowed[kind];
  const noun = kind === 'plugin' ? 'plugin id' : `${kind} name`;
  if (name === '') return `A ${noun} cannot be empty: it starts with a letter a-z and is made of ${said}.`.replace(/^A ([ae])/, 'An $1');
  const characters = [...name];
  if (characters.length > longestName) {
    return `The ${noun} "${shown(characters.slice(0, 20).join(''))}…" has ${characters.length} characters; at most ${longestName} are allowed.`;
  }
  for (const [index, character] of characters.entries()) {
    const fine = index === 0 ? /^[a-z]$/.test(character) : rest.test(character);
    if (fine) continue;
    const where = index === 0 ? 'starts with' : 'contains';
    const rule = index === 0 ? 'it must start with a lower-case letter a-z' : `allowed are ${said}`;
    return `The ${noun} "${shown(name)}" ${where} ${describeCharacter(character)}; ${rule}.`;
  }
  return null;
}

export function isSourceName(name: string): boolean {
  return nameProblem('source', name) === null;
}

export function isServiceName(name: string): boolean {
  return nameProblem('service', name) === null;
}

/** A service's full name, or with `instance` that of one instance of it. */
export interface Fqn {
  readonly source: string;
  readonly service: string;
  /** Counts from 1. */
  readonly instance?: number;
}

/** `source:service`, or `source:service#2`. */
export function formatFqn(fqn: Fqn): string {
  return fqn.instance === undefined ? `${fqn.source}:${fqn.service}` : `${fqn.source}:${fqn.service}#${fqn.instance}`;
}

/** Reads `source:service` or `source:service#2`; throws INVALID_PARAMS with a sentence for anything else. */
export function parseFqn(text: string): Fqn {
  const refuse = (sentence: string): never => {
    throw new HiveError('INVALID_PARAMS', sentence, { next: 'Write a full name such as default:web, or default:web#2 for one instance.' });
  };
  const colon = text.indexOf(':');
  if (colon === -1) return refuse(`"${shown(text)}" is not a full name: it has no source before a colon.`);
  const source = text.slice(0, colon);
  const hash = text.indexOf('#', colon);
  const service = text.slice(colon + 1, hash === -1 ? undefined : hash);
  const problem = nameProblem('source', source) ?? nameProblem('service', service);
  if (problem !== null) return refuse(problem);
  if (hash === -1) return { source, service };
  const number = text.slice(hash + 1);
  if (!/^[1-9]\d{0,5}$/.test(number)) return refuse(`"${shown(text)}" names no instance: after # comes a number from 1.`);
  return { source, service, instance: Number(number) };
}

function shown(text: string): string {
  const cut = text.length > 80 ? `${text.slice(0, 80)}…` : text;
  return cut.replace(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu, (character) => `\\u${(character.codePointAt(0) ?? 0).toString(16).padStart(4, '0')}`);
}

/** Names the character so that one that looks like another cannot deceive. */
function describeCharacter(character: string): string {
  const code = character.codePointAt(0) ?? 0;
  const point = `U+${code.toString(16).toUpperCase().padStart(4, '0')}`;
  if (code === 0) return `a NUL character (${point})`;
  if (code < 0x20 || code === 0x7f) return `a control character (${point})`;
  if (character === ' ') return 'a space';
  if (character === '/') return 'a slash "/"';
  if (character === '.') return 'a dot "."';
  if (/^[A-Z]$/.test(character)) return `the capital letter "${character}"`;
  if (/^\d$/.test(character)) return `the digit "${character}"`;
  if (code < 0x80) return `"${character}"`;
  const script = ['Cyrillic', 'Greek', 'Armenian', 'Latin'].find((name) => new RegExp(`^\\p{Script=${name}}$`, 'u').test(character));
  if (script === undefined) return `"${shown(character)}" (${point})`;
  const alike = script === 'Latin' ? '' : ', which may look like another letter';
  return `the ${script} letter "${character}" (${point}${alike})`;
}

import { nearestName } from '../../shared/config/nearest-name.js';
import { parseFqn } from '../../shared/config/names.js';
import { HiveError } from '../../shared/errors/hive-error.js';

/** What a name on the command line stands for. */
export type Target =
  | { readonly kind: 'service'; readonly fqn: string }
  | { readonly kind: 'instance'; readonly fqn: string; readonly instance: string }
  | { readonly kind: 'source'; readonly source: string };

/** What names are looked up in. */
export interface KnownNames {
  readonly services: readonly { readonly fqn: string; readonly source: string; readonly name: string }[];
  readonly sources: readonly string[];
  /** The source of the folder that the command was given in. */
  readonly folderSource: string | null;
}

/**
 * Finds what `text` names: `web` (in the folder's source, else in the only source that has it), `default:web`,
 * `default:web#2`, or `default:*` for a whole source.
 * @throws HiveError NOT_FOUND with the nearest name; INVALID_PARAMS when several sources have it, or it is no name
 */
export function resolveTarget(text: string, known: KnownNames): Target {
  if (text.endsWith(':*')) return resolveSource(text.slice(0, -2), known);
  if (text.includes(':')) return resolveFullName(text, known);
  const hash = text.indexOf('#');
  const name = hash === -1 ? text : text.slice(0, hash);
  const fqn = resolveBareName(name, known);
  return hash === -1 ? { kind: 'service', fqn } : resolveFullName(`${fqn}${text.slice(hash)}`, known);
}

/** As `resolveTarget`, where only a service will do. */
export function resolveService(text: string, known: KnownNames): string {
  const target = resolveTarget(text, known);
  switch (target.kind) {
    case 'service':
      return target.fqn;
    case 'instance':
      throw new HiveError('INVALID_PARAMS', `${target.instance} is one instance; this command takes a whole service.`, {
        next: `Write ${target.fqn}.`,
      });
    case 'source':
      throw new HiveError('INVALID_PARAMS', `${text} is a whole source; this command takes one service.`, {
        next: 'hivectl status --all lists the services.',
      });
  }
}

/** As `resolveTarget`, where a service or a source will do. */
export function resolveServiceOrSource(text: string, known: KnownNames): { fqn: string } | { source: string } {
  const target = resolveTarget(text, known);
  return target.kind === 'source' ? { source: target.source } : { fqn: resolveService(text, known) };
}

function resolveSource(source: string, known: KnownNames): Target {
  if (known.sources.includes(source)) return { kind: 'source', source };
  throw notFound(`There is no source ${source}.`, source, known.sources, 'hivectl source list');
}

function resolveFullName(text: string, known: KnownNames): Target {
  const { source, service, instance } = parseFqn(text);
  const fqn = `${source}:${service}`;
  if (!known.services.some((candidate) => candidate.fqn === fqn)) {
    const all = known.services.map((candidate) => candidate.fqn);
    throw notFound(`There is no service ${fqn}.`, fqn, all, 'hivectl status --all');
  }
  return instance === undefined ? { kind: 'service', fqn } : { kind: 'instance', fqn, instance: text };
}

function resolveBareName(name: string, known: KnownNames): string {
  const found = known.services.filter((candidate) => candidate.name === name);
  const own = found.find((candidate) => candidate.source === known.folderSource);
  const [first, ...others] = found;
  if (own !== undefined) return own.fqn;
  if (first === undefined) {
    const names = known.services.map((candidate) => candidate.name);
    throw notFound(`There is no service ${name}.`, name, names, 'hivectl status --all');
  }
  if (others.length === 0) return first.fqn;
  const candidates = found.map((candidate) => candidate.fqn);
  throw new HiveError('INVALID_PARAMS', `${name} is in several sources: ${candidates.join(', ')}.`, {
    next: `Write the full name, such as ${first.fqn}.`,
    data: { candidates },
  });
}

function notFound(sentence: string, written: string, known: readonly string[], list: string): HiveError {
  const nearest = nearestName(written, known);
  const next = nearest === null ? `${list} shows what there is.` : `Did you mean ${nearest}?`;
  return new HiveError('NOT_FOUND', sentence, { next, data: nearest === null ? {} : { suggestion: nearest } });
}

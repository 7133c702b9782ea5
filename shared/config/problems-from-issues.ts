import type { z } from 'zod';
import { changeMapAt, nodeAt, spanAt, type ConfigNode, type ConfigPath, type MapEntry } from './config-node.js';
import { nearestName } from './nearest-name.js';
import { formatPath, type Finding } from './problem-list.js';
import { descriptionAt, keysAt } from './schema-keys.js';
import { isPrivate, withoutSecrets } from './secret-lines.js';

/** What the schema library puts where the schema gives no wording of its own. */
export const noWording = '\u0000';

type Issue = z.core.$ZodIssue;

/** The part of the document under check: `node` is checked against `schema`, and stands at `path` in the whole document. */
export interface Subject {
  readonly schema: z.core.$ZodType;
  readonly node: ConfigNode;
  readonly path: ConfigPath;
}

export interface Explanation {
  readonly findings: readonly Finding[];
  /** The node with misspelt keys put right and other unknown ones left out; null when there were none. */
  readonly repaired: ConfigNode | null;
}

/**
 * Says what is wrong in sentences, one for each mistake. A misspelt key is reported as such and not also as missing, and
 * the tree is repaired so that what stands under the misspelt key can be checked too.
 */
export function explain(issues: readonly Issue[], subject: Subject): Explanation {
  const flat = issues.flatMap((issue) => flatten(issue, subject));
  const findings: Finding[] = [];
  const renamed = new Set<string>();
  let repaired: ConfigNode | null = null;
  for (const issue of flat) {
    if (issue.code !== 'unrecognized_keys') continue;
    const at = issue.path as ConfigPath;
    const meantBy = new Map<string, string>();
    for (const key of issue.keys.slice(0, mostUnknownKeys)) {
      const { finding, meant } = unknownKey(key, at, subject, renamed);
      findings.push(finding);
      if (meant === null) continue;
      meantBy.set(key, meant);
      renamed.add(formatPath([...at, meant]));
    }
    const unknown = new Set(issue.keys);
    repaired = changeMapAt(repaired ?? subject.node, at, (map) => ({
      ...map,
      entries: new Map([...map.entries].flatMap(([key, entry]) => putRight(key, entry, unknown, meantBy))),
    }));
  }
  for (const issue of flat) {
    if (issue.code === 'unrecognized_keys' || isBelowBroken(subject.node, issue.path as ConfigPath)) continue;
    if (renamed.has(formatPath(issue.path as ConfigPath))) continue;
    findings.push(wrongValue(issue, subject));
  }
  return { findings, repaired };
}

/** A map of a hundred thousand unknown keys is one mistake, and nobody reads the rest. */
const mostUnknownKeys = 100;

function putRight(key: string, entry: MapEntry, unknown: ReadonlySet<string>, meantBy: ReadonlyMap<string, string>): [string, MapEntry][] {
  const name = unknown.has(key) ? meantBy.get(key) : key;
  return name === undefined ? [] : [[name, entry]];
}

/** Where a choice of schemas fits with none, the mistake is in the one whose shape was written. */
function flatten(issue: Issue, subject: Subject): Issue[] {
  if (issue.code === 'invalid_key') {
    const [inner] = issue.issues;
    return [{ code: 'custom', path: issue.path, message: inner?.message ?? noWording, input: issue.input, params: { key: true } }];
  }
  if (issue.code !== 'invalid_union') return [issue];
  const fits = (branch: readonly Issue[]) => !branch.some((inner) => inner.path.length === 0 && (inner.code === 'invalid_type' || inner.code === 'invalid_value'));
  const branches = issue.errors.filter((branch) => fits(branch));
  const absolute = (branch: readonly Issue[]) => branch.map((inner) => ({ ...inner, path: [...issue.path, ...inner.path] }));
  const [best] = branches.sort((a, b) => a.length - b.length);
  if (best !== undefined) return absolute(best).flatMap((inner) => flatten(inner, subject));
  const worded = issue.errors.flat().find((inner) => inner.path.length === 0 && inner.message !== noWording);
  if (worded !== undefined) return [{ ...worded, path: issue.path }];
  const values = issue.errors.flat().flatMap((inner) => (inner.code === 'invalid_value' ? inner.values : []));
  const types = [...new Set(issue.errors.flat().flatMap((inner) => (inner.code === 'invalid_type' ? [inner.expected] : [])))];
  const written = nodeAt(subject.node, issue.path as ConfigPath);
  if (values.length > 0 && (written === null || written.kind === 'scalar')) return [{ code: 'invalid_value', values, path: issue.path, message: noWording, input: types }];
  return [{ code: 'custom', path: issue.path, message: mustBe(types.map((type) => kindNames[type] ?? type), written), params: { whole: true } }];
}

function unknownKey(key: string, at: ConfigPath, subject: Subject, taken: ReadonlySet<string>): { finding: Finding; meant: string | null } {
  const known = keysAt(subject.schema, at);
  const node = nodeAt(subject.node, at);
  const free = known.filter((name) => !(node?.kind === 'map' && node.entries.has(name)) && !taken.has(formatPath([...at, name])));
  const meant = nearestName(key, free);
  // A key that is there already may still be what was meant, but cannot be put in its place.
  const near = meant ?? nearestName(key, known);
  const path = [...subject.path, ...at, key];
  return {
    meant,
    finding: {
      span: spanAt(subject.node, [...at, key], 'key'),
      path,
      code: 'UNKNOWN_KEY',
      message: `Unknown key "${key}"${inside([...subject.path, ...at])}${near === null ? '.' : `: did you mean "${near}"?`}`,
      ...(known.length === 0 ? {} : { expected: `one of ${known.join(', ')}` }),
      ...(near === null ? {} : { suggestion: near }),
    },
  };
}

function wrongValue(issue: Issue, subject: Subject): Finding {
  const path = issue.path as ConfigPath;
  const node = nodeAt(subject.node, path);
  const whole = [...subject.path, ...path];
  const aboutKey = issue.code === 'custom' && issue.params?.['key'] === true;
  const span = node === null && path.length === 0 ? subject.node.span : spanAt(subject.node, path, aboutKey ? 'key' : 'value');
  const base = { span: path.length === 0 ? subject.node.span : span, path: whole, code: 'INVALID_VALUE' as const };
  const about = subjectOf(whole);
  const expected = descriptionAt(subject.schema, path);
  const withExpected = expected === null ? {} : { expected };
  if (node === null) {
    const own = issue.code === 'custom' && issue.message !== noWording ? issue.message : 'is missing';
    return { ...base, message: `${about} ${sentence(own)}`, ...withExpected };
  }
  if (node.kind === 'scalar' && node.value === null) {
    return { ...base, message: `${about} has no value: give it one or remove the line.`, ...withExpected };
  }
  if (aboutKey) {
    const own = issue.message;
    return { ...base, message: /^(A|An|The) /.test(own) ? own : `"${String(path.at(-1))}"${inside(whole.slice(0, -1))} ${sentence(own)}` };
  }
  if (issue.message !== noWording) {
    if (/^(A|An|The) /.test(issue.message)) return { ...base, message: issue.message, ...withExpected };
    return { ...base, message: `${about}${quoted(node, whole)} ${sentence(issue.message)}`, ...withExpected };
  }
  const worded = wording(issue, node);
  return { ...base, ...withExpected, ...worded, message: `${about}${quoted(node, whole)} ${sentence(worded.message)}` };
}

const kindNames: Record<string, string> = {
  string: 'a text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'a map',
  record: 'a map',
};

function mustBe(expected: readonly string[], node: ConfigNode | null): string {
  const unique = [...new Set(expected)];
  return `must be ${unique.join(' or ')}${node === null ? '' : `, not ${kindOf(node)}`}`;
}

function kindOf(node: ConfigNode): string {
  if (node.kind !== 'scalar') return node.kind === 'list' ? 'a list' : 'a map';
  return typeof node.value === 'string' ? 'a text' : typeof node.value === 'number' ? 'a number' : 'true or false';
}

function wording(issue: Issue, node: ConfigNode): { message: string; expected?: string; suggestion?: string } {
  switch (issue.code) {
    case 'invalid_type':
      return { message: mustBe([kindNames[issue.expected] ?? issue.expected], node) };
    case 'invalid_value': {
      const values = issue.values.map(String);
      const near = node.kind === 'scalar' ? nearestName(node.written, values) : null;
      const others = Array.isArray(issue.input) ? (issue.input as string[]).map((type) => kindNames[type] ?? type) : [];
      const list = values.length > 12 ? `one of ${values.slice(0, 12).join(', ')}, …` : values.length === 1 ? (values[0] ?? '') : `one of ${values.join(', ')}`;
      return {
        message: `must be ${[list, ...new Set(others)].join(' or ')}${near === null ? '' : `: did you mean ${near}?`}`,
        expected: list,
        ...(near === null ? {} : { suggestion: near }),
      };
    }
    case 'too_small':
      if (issue.origin === 'string') return { message: 'must not be empty' };
      if (issue.origin === 'array') return { message: 'must not be an empty list' };
      if (issue.origin === 'record' || issue.origin === 'map') return { message: 'must not be an empty map' };
      return { message: `must be ${issue.inclusive === true ? 'at least' : 'more than'} ${issue.minimum}` };
    case 'too_big':
      if (issue.origin === 'string') return { message: `must not have more than ${issue.maximum} characters` };
      return { message: `must be ${issue.inclusive === true ? 'at most' : 'less than'} ${issue.maximum}` };
    default:
      return { message: 'is not valid' };
  }
}

/** `restart.delay of service web`, or the path as it is outside of services. */
export function subjectOf(path: ConfigPath): string {
  if (path[0] !== 'services' || path.length < 2) return path.length === 0 ? 'The document' : formatPath(path);
  if (path.length === 2) return `Service ${path[1]}`;
  return `${formatPath(path.slice(2))} of service ${path[1]}`;
}

function inside(path: ConfigPath): string {
  return path.length === 0 ? ' at the top level' : ` in ${subjectOf(path).replace(/^Service/, 'service')}`;
}

/** ` ("30")`, as written and never what the environment put in; nothing for what may be secret. */
function quoted(node: ConfigNode, path: ConfigPath): string {
  // A text where a whole service should be may be anything.
  if (node.kind !== 'scalar' || path.length <= 2 || isPrivate(path)) return '';
  const written = withoutSecrets(node.written.slice(0, 200).replace(/\s+/g, ' '));
  return ` ("${written.length > 60 ? `${written.slice(0, 60)}…` : written}")`;
}

function sentence(predicate: string): string {
  return /[.?!]$/.test(predicate) ? predicate : `${predicate}.`;
}

function isBelowBroken(root: ConfigNode, path: ConfigPath): boolean {
  const node = nodeAt(root, path);
  return node?.kind === 'scalar' && node.broken === true;
}

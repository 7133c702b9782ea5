import { nowhere, type ConfigNode, type ConfigPath, type MapEntry } from './config-node.js';
import type { ProblemList } from './problem-list.js';

const mostValues = 200_000;
const deepest = 64;

/** Makes a tree of values that came as JSON (an RPC parameter, a row of a SQLite source) rather than as a file. */
export function readValues(value: unknown, problems: ProblemList, root: ConfigPath): ConfigNode | null {
  let values = 0;
  let refused = false;
  const refuse = (path: ConfigPath, message: string): ConfigNode => {
    refused = true;
    problems.add({ span: nowhere, path, code: 'SYNTAX', message });
    return { kind: 'scalar', value: null, written: '', span: nowhere };
  };
  const read = (item: unknown, path: ConfigPath, depth: number): ConfigNode => {
    values += 1;
    if (refused && values > mostValues) return { kind: 'scalar', value: null, written: '', span: nowhere };
    if (values > mostValues) return refuse(path, `The configuration has more than ${mostValues} values.`);
    if (depth > deepest) return refuse(path, `This is nested more than ${deepest} levels deep.`);
    if (typeof item === 'string' && item.includes('\0')) return refuse(path, 'This text contains a NUL character, which no program can be given.');
    if (item === null || typeof item === 'string' || typeof item === 'number' || typeof item === 'boolean') {
      return { kind: 'scalar', value: item, written: String(item), span: nowhere };
    }
    if (Array.isArray(item)) return { kind: 'list', items: item.map((child, index) => read(child, [...path, index], depth + 1)), span: nowhere };
    if (typeof item !== 'object') return refuse(path, `A configuration is made of JSON values; this is a ${typeof item}.`);
    const entries = new Map<string, MapEntry>();
    for (const [key, child] of Object.entries(item)) {
      if (key === '__proto__') refuse(path, 'The key "__proto__" is not allowed.');
      else if (child !== undefined) entries.set(key, { keySpan: nowhere, value: read(child, [...path, key], depth + 1) });
    }
    return { kind: 'map', entries, span: nowhere };
  };
  const node = read(value, root, 0);
  return refused ? null : node;
}

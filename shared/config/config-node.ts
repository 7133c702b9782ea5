/**
 * A configuration as a tree that remembers where each value was written, so that whatever is found wrong later, and by
 * whichever step, can be shown at its line. Trees are never changed: a step that changes something answers a new one.
 */
export type ConfigNode = ScalarNode | ListNode | MapNode;

/** Offsets into the text; both 0 for a value that came without a text. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

export interface ScalarNode {
  readonly kind: 'scalar';
  readonly value: string | number | boolean | null;
  /** As written in the file: before interpolation and with the digits that were typed (`1.10`). */
  readonly written: string;
  readonly span: Span;
  /** A problem with this value was reported already; what follows from it is not worth another. */
  readonly broken?: true;
}

export interface ListNode {
  readonly kind: 'list';
  readonly items: readonly ConfigNode[];
  readonly span: Span;
}

export interface MapNode {
  readonly kind: 'map';
  readonly entries: ReadonlyMap<string, MapEntry>;
  readonly span: Span;
}

export interface MapEntry {
  readonly keySpan: Span;
  readonly value: ConfigNode;
}

export type ConfigPath = readonly (string | number)[];

export const nowhere: Span = { start: 0, end: 0 };

/** The node at `path` below `node`, or null. */
export function nodeAt(node: ConfigNode, path: ConfigPath): ConfigNode | null {
  let current: ConfigNode | undefined = node;
  for (const step of path) {
    if (current === undefined) return null;
    if (current.kind === 'map') current = current.entries.get(String(step))?.value;
    else if (current.kind === 'list') current = current.items[Number(step)];
    else return null;
  }
  return current ?? null;
}

/** Where to point for `path`: the value, else the key of the nearest parent that exists. */
export function spanAt(node: ConfigNode, path: ConfigPath, point: 'key' | 'value'): Span {
  let current: ConfigNode = node;
  let span: Span = node.span;
  for (const [index, step] of path.entries()) {
    const last = index === path.length - 1;
    if (current.kind === 'map') {
      const entry: MapEntry | undefined = current.entries.get(String(step));
      if (entry === undefined) return span;
      span = last && point === 'value' ? entry.value.span : entry.keySpan;
      current = entry.value;
    } else if (current.kind === 'list') {
      const item: ConfigNode | undefined = current.items[Number(step)];
      if (item === undefined) return span;
      span = item.span;
      current = item;
    } else return span;
  }
  return span;
}

/** Maps of these names hold texts: `VERSION: 1.10` means the text that was typed, not the number 1.1. */
const mapsOfTexts: ReadonlySet<string> = new Set(['static', 'environment', 'labels', 'vars', 'add']);

/** The plain JavaScript value; `key` is the key that the node stands under. */
export function toPlain(node: ConfigNode, key: string | number | undefined): unknown {
  switch (node.kind) {
    case 'scalar':
      return node.value;
    case 'list':
      return node.items.map((item) => toPlain(item, undefined));
    case 'map': {
      const texts = typeof key === 'string' && mapsOfTexts.has(key);
      const plain: Record<string, unknown> = {};
      for (const [name, { value }] of node.entries) {
        const asText = texts && value.kind === 'scalar' && (typeof value.value === 'number' || typeof value.value === 'boolean');
        plain[name] = asText ? value.written : toPlain(value, name);
      }
      return plain;
    }
  }
}

/** The same map with one entry put, replaced or (with null) removed. */
export function withEntry(map: MapNode, key: string, entry: MapEntry | null): MapNode {
  const entries = new Map(map.entries);
  if (entry === null) entries.delete(key);
  else entries.set(key, entry);
  return { ...map, entries };
}

/** The same tree with the map at `path` replaced by what `change` makes of it; unchanged when there is no map. */
export function changeMapAt(node: ConfigNode, path: ConfigPath, change: (map: MapNode) => MapNode): ConfigNode {
  const [step, ...rest] = path;
  if (step === undefined) return node.kind === 'map' ? change(node) : node;
  if (node.kind === 'map') {
    const entry = node.entries.get(String(step));
    if (entry === undefined) return node;
    return withEntry(node, String(step), { ...entry, value: changeMapAt(entry.value, rest, change) });
  }
  if (node.kind === 'list') {
    return { ...node, items: node.items.map((item, index) => (index === Number(step) ? changeMapAt(item, rest, change) : item)) };
  }
  return node;
}

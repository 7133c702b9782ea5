import { isAlias, isMap, isPair, isScalar, isSeq, parseDocument, type Document, type Node, type Pair, type YAMLMap } from 'yaml';
import { nowhere, type ConfigNode, type ConfigPath, type MapEntry, type MapNode, type Span } from './config-node.js';
import type { ProblemList } from './problem-list.js';
import { protectReferences } from './protect-references.js';
import { isPrivate } from './secret-lines.js';

/** More values than any sensible configuration has; also what bounds aliases of aliases of aliases. */
const mostValues = 200_000;
const deepest = 64;
const tooDeep = `This is nested more than ${deepest} levels deep.`;

/**
 * Parses YAML 1.2 text into a tree, or reports what is wrong with it and answers null. Aliases are expanded within a
 * budget, a circle of aliases and a key that occurs twice are problems, `<<` merges.
 */
export function readYaml(text: string, problems: ProblemList): ConfigNode | null {
  const bottomless = /(?:[[{]\s?){200}/.exec(text);
  if (bottomless !== null) {
    problems.add({ span: { start: bottomless.index, end: bottomless.index }, path: [], code: 'SYNTAX', message: tooDeep });
    return null;
  }
  const hidden = protectReferences(text);
  const document = parseQuickly(hidden.text);
  if (reportSyntax(document, text, hidden.restore, problems)) return null;
  if (document.contents === null) {
    problems.add({ span: nowhere, path: [], code: 'SYNTAX', message: 'The file is empty.', expected: 'at least version: "1" and services: {}' });
    return null;
  }
  const node = new Reader(problems, hidden.restore).read(document.contents, [], 0).node;
  return problems.isEmpty ? node : null;
}

/** The library makes an Error per mistake, and their stack traces are what takes seconds in a file of nothing but mistakes. */
function parseQuickly(text: string): Document.Parsed {
  const limit = Error.stackTraceLimit;
  Error.stackTraceLimit = 0;
  try {
    // Its own check for keys that occur twice compares every pair of keys, and its aliases search the whole document.
    return parseDocument(text, { uniqueKeys: false, merge: false, prettyErrors: false, logLevel: 'error' });
  } finally {
    Error.stackTraceLimit = limit;
  }
}

/** Only the first: behind it the parser's picture of the rest is wrong, and so would be most of what it says. */
function reportSyntax(document: Document.Parsed, text: string, restore: (parsed: string) => string, problems: ProblemList): boolean {
  const [first] = [...document.errors].sort((a, b) => a.pos[0] - b.pos[0]);
  if (first === undefined) return false;
  // What is missing at the end is missing after the last line that says something.
  const start = first.code === 'MULTIPLE_DOCS' ? Math.max(first.pos[0], text.indexOf('---', first.pos[0])) : first.pos[0];
  const at = Math.min(start, text.trimEnd().length);
  problems.add({ span: { start: at, end: at }, path: [], code: 'SYNTAX', message: syntaxSentence(first.code, restore(first.message)) });
  return true;
}

function syntaxSentence(code: string, message: string): string {
  switch (code) {
    case 'TAB_AS_INDENT':
      return 'This line is indented with a tab; YAML allows only spaces there.';
    case 'MULTIPLE_DOCS':
      return 'A second document starts here (---); a configuration is one document.';
    case 'RESOURCE_EXHAUSTION':
      return tooDeep;
    default:
      // What comes after a colon is quoted from the file.
      return `This is not valid YAML: ${message.replace(/: [^]*$/, '').replace(/\s+/g, ' ').replace(/\.$/, '')}.`;
  }
}

interface Read {
  readonly node: ConfigNode;
  /** How many values it stands for with all aliases written out. */
  readonly size: number;
}

const empty: Read = { node: { kind: 'scalar', value: null, written: '', span: nowhere }, size: 1 };

class Reader {
  /** Filled in the order of the document, so that an alias means the nearest anchor before it. */
  private readonly anchors = new Map<string, Node>();
  private readonly done = new Map<Node, Read>();
  private readonly open = new Set<Node>();
  private values = 0;
  private gaveUp = false;

  constructor(
    private readonly problems: ProblemList,
    private readonly restore: (parsed: string) => string,
  ) {}

  read(node: Node | null, path: ConfigPath, depth: number): Read {
    if (node === null || this.gaveUp) return empty;
    if (isAlias(node)) return this.alias(node, node.source, path);
    if (node.anchor !== undefined) this.anchors.set(node.anchor, node);
    this.values += 1;
    if (this.values > mostValues) return this.giveUp(node, path, `The file has more than ${mostValues} values.`);
    if (depth > deepest) return this.giveUp(node, path, tooDeep);
    if (node.tag !== undefined && node.tag.startsWith('!')) {
      this.refuse(spanOf(node), path, `The tag ${isPrivate(path) ? '!…' : node.tag} means nothing here; write the plain value${isPrivate(path) ? ' in quotes' : ''}.`);
    }
    this.open.add(node);
    const read = this.readInner(node, path, depth);
    this.open.delete(node);
    if (node.anchor !== undefined) this.done.set(node, read);
    return read;
  }

  private readInner(node: Node, path: ConfigPath, depth: number): Read {
    const span = spanOf(node);
    if (isMap(node)) return this.map(node, path, depth);
    if (isSeq(node)) {
      const reads = node.items.map((item, index) => this.read(item as Node | null, [...path, index], depth + 1));
      return { node: { kind: 'list', items: reads.map((item) => item.node), span }, size: total(reads) };
    }
    if (!isScalar(node)) return empty;
    const value = typeof node.value === 'string' ? this.restore(node.value) : node.value;
    const written = typeof value === 'string' ? value : (node.source ?? '');
    if (typeof value === 'string' && value.includes('\0')) this.refuse(span, path, 'This text contains a NUL character, which no program can be given.');
    if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') {
      return { node: { kind: 'scalar', value, written, span }, size: 1 };
    }
    return { node: { kind: 'scalar', value: value === null ? null : written, written, span }, size: 1 };
  }

  private map(node: YAMLMap, path: ConfigPath, depth: number): Read {
    const entries = new Map<string, MapEntry>();
    const merges: MapNode[] = [];
    let size = 1;
    for (const pair of node.items) {
      if (!isPair(pair)) continue;
      const key = this.key(pair, spanOf(node), path);
      if (key === null) continue;
      const read = this.read(pair.value as Node | null, [...path, key.name], depth + 1);
      size += read.size;
      if (key.name === '<<' && key.plain) {
        merges.push(...this.mergeable(read.node, key.span, path));
        continue;
      }
      if (entries.has(key.name)) {
        this.refuse(key.span, [...path, key.name], `The key "${key.name}" occurs twice in this map; only one can count.`);
        continue;
      }
      entries.set(key.name, { keySpan: key.span, value: read.node === empty.node ? { ...empty.node, span: key.span } : read.node });
    }
    for (const merge of merges) {
      for (const [name, entry] of merge.entries) if (!entries.has(name)) entries.set(name, entry);
    }
    return { node: { kind: 'map', entries, span: spanOf(node) }, size };
  }

  private key(pair: Pair, around: Span, path: ConfigPath): { name: string; span: Span; plain: boolean } | null {
    const { key } = pair;
    const span = key === null ? around : spanOf(key as Node);
    if (!isScalar(key) || key.value === null) {
      this.refuse(span, path, isScalar(key) || key === null ? 'A key is missing before this colon.' : 'A key must be a plain word.');
      return null;
    }
    const name = this.restore(typeof key.value === 'string' ? key.value : (key.source ?? ''));
    if (name === '__proto__') {
      this.refuse(span, path, 'The key "__proto__" is not allowed.');
      return null;
    }
    return { name, span, plain: key.type === 'PLAIN' };
  }

  private mergeable(node: ConfigNode, span: Span, path: ConfigPath): MapNode[] {
    const nodes = node.kind === 'list' ? node.items : [node];
    const maps = nodes.filter((item): item is MapNode => item.kind === 'map');
    if (maps.length < nodes.length) this.refuse(span, path, 'What << merges must be a map or a list of maps, such as <<: *common.');
    return maps;
  }

  private alias(node: Node, name: string, path: ConfigPath): Read {
    const target = this.anchors.get(name);
    if (target === undefined) {
      this.refuse(spanOf(node), path, isPrivate(path) ? 'This begins with * and so refers to something before it, which is not there; a plain value stands in quotes.' : `Nothing before this line is marked &${name}.`);
      return empty;
    }
    if (this.open.has(target)) {
      this.refuse(spanOf(node), path, `*${name} stands inside what it refers to, so that it would never end.`);
      return empty;
    }
    const read = this.done.get(target) ?? empty;
    this.values += read.size;
    if (this.values > mostValues) return this.giveUp(node, path, `With its aliases written out the file has more than ${mostValues} values.`);
    return read;
  }

  private refuse(span: Span, path: ConfigPath, message: string): void {
    this.problems.add({ span, path, code: 'SYNTAX', message });
  }

  private giveUp(node: Node, path: ConfigPath, message: string): Read {
    this.refuse(spanOf(node), path, message);
    this.gaveUp = true;
    return empty;
  }
}

function total(reads: readonly Read[]): number {
  return reads.reduce((sum, read) => sum + read.size, 1);
}

function spanOf(node: Node): Span {
  const range = node.range;
  return range === null || range === undefined ? nowhere : { start: range[0], end: range[1] };
}

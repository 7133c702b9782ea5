import { loadSource, loadTree, type LoadOptions } from '../../shared/config/load-source.js';
import { ProblemList } from '../../shared/config/problem-list.js';
import type { LoadResult } from '../../shared/config/problem.js';
import { readYaml } from '../../shared/config/read-yaml.js';
import type { ServiceSpec, SourceSpec } from '../../shared/config/service-spec.js';

/** A YAML text that was loaded. */
export interface LoadedText {
  readonly text: string;
  readonly spec: SourceSpec;
  readonly outline: Outline | null;
}

/** A file in plain block style, cut at its services; null for one that is written in another way. */
interface Outline {
  /** Up to and with the line `services:`. */
  readonly head: string;
  readonly blocks: ReadonlyMap<string, string>;
  /** What stands after the services. */
  readonly tail: string;
}

/**
 * Loads a YAML text. Where only the lines of some services differ from `before`, only these are read (a thousand services
 * take a third of a second, in which the daemon could do nothing else). Whatever is not plain, and every text with a
 * problem, is read as a whole.
 */
export function loadText(text: string, before: LoadedText | null, file: string, options: LoadOptions): { result: LoadResult<SourceSpec>; loaded: LoadedText | null } {
  const outline = outlineOf(text);
  const quick = before === null || outline === null ? null : loadDifference(outline, before, file, options);
  const result: LoadResult<SourceSpec> = quick === null ? loadSource(text, file, options) : { ok: true, spec: quick };
  return { result, loaded: result.ok ? { text, spec: result.spec, outline: describes(outline, result.spec) ? outline : null } : null };
}

function loadDifference(outline: Outline, before: LoadedText, file: string, options: LoadOptions): SourceSpec | null {
  const old = before.outline;
  if (old === null || old.head !== outline.head || old.tail !== outline.tail) return null;
  const changed = [...outline.blocks].filter(([name, block]) => old.blocks.get(name) !== block);
  const touched = [...changed.flatMap(([name, block]) => [block, old.blocks.get(name) ?? '']), ...[...old.blocks].filter(([name]) => !outline.blocks.has(name)).map(([, block]) => block)];
  // An anchor of one service may be what another means.
  if (touched.some((block) => anchorOrAlias.test(block))) return null;
  const names = new Set(changed.map(([name]) => name));
  const kept = new Map(before.spec.services.filter(({ name }) => outline.blocks.has(name) && !names.has(name)).map((spec) => [spec.name, spec]));
  if ([...kept.values()].some((spec) => spec.dependsOn.some(({ name }) => !outline.blocks.has(name)))) return null;
  const loaded = changed.length === 0 ? [] : loadAlone(`${outline.head}${changed.map(([, block]) => block).join('')}${outline.tail}`, [...kept.values()], file, options);
  if (loaded === null) return null;
  const fresh = new Map(loaded.map((spec) => [spec.name, spec]));
  const services = [...outline.blocks.keys()].map((name) => fresh.get(name) ?? kept.get(name));
  // The lines do not mean what they look like: a key that is none, a text that goes on in the next block.
  if (fresh.size !== names.size || services.includes(undefined)) return null;
  return Object.freeze({ ...before.spec, services: Object.freeze(services as ServiceSpec[]) });
}

function loadAlone(text: string, siblings: readonly ServiceSpec[], file: string, options: LoadOptions): readonly ServiceSpec[] | null {
  const problems = new ProblemList({ kind: 'text', file, text });
  const tree = readYaml(text, problems);
  const result = tree === null ? null : loadTree(tree, problems, options, siblings);
  return result?.ok === true ? result.spec.services : null;
}

const anchorOrAlias = /(?:^|[\s,[{:-])[&*]\w|<<|^---|^\.\.\./m;
const servicesLine = /^services:[ \t]*(?:#.*)?$/m;

function outlineOf(text: string): Outline | null {
  const found = servicesLine.exec(text);
  if (found === null || text.includes('\r') || text.includes('\t')) return null;
  const start = text.indexOf('\n', found.index) + 1;
  if (start === 0) return null;
  const indent = /^(?:[ ]*(?:#.*)?\n)*([ ]+)[^\s#]/.exec(text.slice(start))?.[1];
  if (indent === undefined) return null;
  // Lines that are indented like the first service, and the first that is not indented at all.
  const boundary = new RegExp(`^(?:${indent}(?=[^\\s#])(?:([a-z][a-z0-9_-]*):(?=\\s))?|(?=[^\\s#]))`, 'gm');
  boundary.lastIndex = start;
  const blocks = new Map<string, string>();
  let open: { name: string; from: number } | null = null;
  let from = start;
  let tail = text.length;
  for (let match = boundary.exec(text); match !== null; match = boundary.exec(text)) {
    if (open !== null) blocks.set(open.name, text.slice(open.from, match.index));
    open = null;
    tail = match.index;
    if (match[0] === '') break;
    const [, name] = match;
    if (name === undefined || blocks.has(name)) return null;
    open = { name, from: blocks.size === 0 ? from : match.index };
    from = match.index;
    tail = text.length;
  }
  if (open !== null) blocks.set(open.name, closed(text.slice(open.from)));
  return { head: text.slice(0, start), blocks, tail: text.slice(tail) };
}

/** The outline counts only once the whole text was read and has the same services in the same order. */
function describes(outline: Outline | null, spec: SourceSpec): boolean {
  if (outline?.blocks.size !== spec.services.length) return false;
  let index = 0;
  for (const name of outline.blocks.keys()) if (spec.services[index++]?.name !== name) return false;
  return true;
}

function closed(block: string): string {
  return block.endsWith('\n') ? block : `${block}\n`;
}

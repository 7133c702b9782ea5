import { isDeepStrictEqual } from 'node:util';
import { loadTree, type LoadOptions } from '../../shared/config/load-source.js';
import { ProblemList } from '../../shared/config/problem-list.js';
import type { Problem } from '../../shared/config/problem.js';
import { readValues } from '../../shared/config/read-values.js';
import type { ServiceSpec, SourceSpec } from '../../shared/config/service-spec.js';
import { fileProblem } from './source-reader.js';
import type { Snapshot } from './sqlite-file.js';

export interface LoadedSnapshot {
  readonly snapshot: Snapshot;
  readonly spec: SourceSpec;
}

export type SnapshotResult = { readonly ok: true; readonly loaded: LoadedSnapshot } | { readonly ok: false; readonly problems: readonly Problem[] };

/**
 * Loads what a SQLite source says. Services whose configuration is the same as in `before` are taken from there, so that
 * one more service costs one service and not a thousand.
 */
export function loadSnapshot(snapshot: Snapshot, before: LoadedSnapshot | null, file: string, options: LoadOptions): SnapshotResult {
  const kept = before === null ? null : unchangedServices(snapshot, before);
  if (before !== null && kept !== null && kept.length === snapshot.services.size) {
    const spec = kept.length === before.spec.services.length ? before.spec : Object.freeze({ ...before.spec, services: Object.freeze(kept) });
    return { ok: true, loaded: { snapshot, spec } };
  }
  const keptNames = new Set((kept ?? []).map((spec) => spec.name));
  const document = new Map<string, unknown>([['version', '1']]);
  const services = new Map<string, unknown>();
  try {
    for (const [key, value] of snapshot.settings) document.set(key, JSON.parse(value));
    for (const [name, { config }] of snapshot.services) if (!keptNames.has(name)) services.set(name, JSON.parse(config));
  } catch (error) {
    return { ok: false, problems: [fileProblem(file, `${file} holds a text that is not JSON: ${(error as Error).message}.`)] };
  }
  document.set('services', Object.fromEntries(services));
  const problems = new ProblemList({ kind: 'values', source: options.source });
  const tree = readValues(Object.fromEntries(document), problems, []);
  const result = tree === null ? { ok: false as const, problems: problems.inOrder() } : loadTree(tree, problems, options, kept ?? []);
  if (!result.ok) return result;
  const all = [...(kept ?? []), ...result.spec.services].sort((a, b) => (a.name < b.name ? -1 : 1));
  return { ok: true, loaded: { snapshot, spec: Object.freeze({ ...result.spec, services: Object.freeze(all) }) } };
}

/** Null: everything has to be loaded, because something that the others build on has changed. */
function unchangedServices(snapshot: Snapshot, before: LoadedSnapshot): ServiceSpec[] | null {
  if (!isDeepStrictEqual(snapshot.settings, before.snapshot.settings)) return null;
  const kept = before.spec.services.filter((spec) => {
    const present = snapshot.services.get(spec.name);
    return present !== undefined && present.config === before.snapshot.services.get(spec.name)?.config;
  });
  const missed = (spec: ServiceSpec) => spec.dependsOn.some(({ name }) => !snapshot.services.has(name));
  return kept.some(missed) ? null : kept;
}

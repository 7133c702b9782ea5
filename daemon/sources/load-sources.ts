import type { Logger } from 'pino';
import type { StateStore } from '../state/state-store.js';
import type { LiveSources } from './live-sources.js';
import type { ReaderFactory } from './reader-factory.js';
import { RegisteredSource } from './registered-source.js';
import { readRegistry } from './registry.js';
import { sourceFile } from './detect-source.js';
import { defaultSource } from './source-name.js';
import type { Reading } from './source-reader.js';
import { watchedReload } from './watched-reload.js';

export interface Loading {
  readonly live: LiveSources;
  readonly readers: ReaderFactory;
  readonly store: StateStore;
  readonly log: Logger;
  readonly read: (source: RegisteredSource) => Promise<Reading>;
  readonly retry: (name: string, delayMs: number) => void;
}

/**
 * Brings up the sources of a daemon that starts: first each as it was when it was last good, then each as it is now, as if
 * the daemon had been there when its file was changed. So a file that went bad meanwhile, or took a port that is another
 * source's, changes nothing here either.
 */
export async function loadSources(loading: Loading): Promise<void> {
  const { live } = loading;
  for (const source of registered(loading)) {
    source.phase = 'registered';
    live.add(source);
  }
  const readings = new Map<RegisteredSource, Reading>();
  for (const source of live.all()) {
    if (source.row.good === null && source.name !== defaultSource) continue;
    const now = source.row.enabled ? await loading.read(source) : null;
    if (now !== null) readings.set(source, now);
    await recallGood(live, source, now);
  }
  for (const source of live.all()) {
    if (!source.row.enabled) continue;
    const reading = readings.get(source);
    await watchedReload({ ...loading, read: async () => reading ?? loading.read(source) }, source.name, 'counts');
    if (!source.announced) live.announce(source, undefined);
  }
}

/** The registered sources in the order of their registration, the default one first. */
function registered({ readers, store }: Loading): RegisteredSource[] {
  const rows = readRegistry(store.db);
  const first = rows.find(({ name }) => name === defaultSource) ?? { name: defaultSource, kind: 'yaml', path: readers.defaultFile.path, enabled: true, revision: 0, good: null };
  return [first, ...rows.filter(({ name }) => name !== defaultSource)].map((row) => new RegisteredSource(row, readers.make(row.name, sourceFile(row.kind, row.path))));
}

async function recallGood(live: LiveSources, source: RegisteredSource, now: Reading | null): Promise<void> {
  const { good } = source.row;
  if (good === null) {
    // The default source before its first file: there is nothing to store.
    if (now?.ok === true && now.spec.services.length === 0) live.recall(source, now);
    return;
  }
  const recalled = now?.ok === true && now.content === good ? now : await source.reader.recall(good);
  if (!recalled.ok) return;
  if (!source.row.enabled || live.conflictsOf(source, recalled.spec).length === 0) live.recall(source, recalled);
}

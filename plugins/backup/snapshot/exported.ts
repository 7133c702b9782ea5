import type { DaemonClient } from '../../../shared/client/index.js';
import type { Result } from '../../../shared/protocol/methods.js';

/** What the daemon says of itself: state.json of a snapshot. */
export type ExportedState = Result<'state.export'>;

/** A source with what only the daemon can tell. */
export interface ExportedSource {
  readonly name: string;
  readonly kind: 'yaml' | 'sqlite';
  readonly path: string;
  readonly enabled: boolean;
  readonly services: readonly string[];
  /** What is live; null: it lies in a database, or was never read well. */
  readonly text: string | null;
  readonly dotenv: readonly string[];
}

export interface Exported {
  readonly state: ExportedState;
  readonly sources: readonly ExportedSource[];
}

/** Asks the daemon for everything that goes into a backup and is in no file. */
export async function exportFrom(daemon: DaemonClient): Promise<Exported> {
  const state = await daemon.exportState();
  const sources: ExportedSource[] = [];
  for (const { name, kind, path, enabled } of state.sources) {
    const { text, dotenv } = await daemon.getSourceText({ name });
    const { services } = await daemon.listServices({ source: name });
    sources.push({ name, kind, path, enabled, text, dotenv, services: services.map((service) => service.name) });
  }
  return { state, sources };
}

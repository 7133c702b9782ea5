import { statSync } from 'node:fs';
import type { Logger } from 'pino';
import type { PendingCause } from '../state/state-store.js';
import { HiveError } from '../../shared/errors/index.js';
import type { LiveSources } from './live-sources.js';
import type { RegisteredSource } from './registered-source.js';
import { appendSourceChanged } from './source-events.js';
import { fileProblem, type Reading } from './source-reader.js';

export interface Watched {
  readonly live: LiveSources;
  readonly read: (source: RegisteredSource) => Promise<Reading>;
  readonly retry: (name: string, delayMs: number) => void;
  readonly log: Logger;
}

/** A bad file younger than this may be half written and gets another chance before it counts as bad, milliseconds. */
const unsettledMs = 300;
/** The same for a file that is good but ends where more was before, and whose missing services would be stopped. */
const cutOffMs = 2_000;
/** How long until what could not be stored is tried again, milliseconds. */
const storageRetryMs = 5_000;

/** Reads a source because its file may have changed. What is wrong with it is shown, never thrown. */
export async function watchedReload(watched: Watched, name: string, bad: 'may be half written' | 'counts' = 'may be half written'): Promise<'done' | 'again'> {
  const source = watched.live.find(name);
  if (source === null) return 'done';
  try {
    return await source.queue.run(() => reload(watched, source, bad));
  } catch (error) {
    watched.log.error({ error, source: name }, 'a source could not be reloaded');
    return 'done';
  }
}

async function reload(watched: Watched, source: RegisteredSource, bad: 'may be half written' | 'counts'): Promise<'done' | 'again'> {
  const { live } = watched;
  if (source.phase !== 'registered' || !source.row.enabled) return 'done';
  const cause: PendingCause = { request: 'source.reload', by: `a change of ${source.row.path}` };
  const plan = live.plan(source, await watched.read(source));
  if (!plan.ok) {
    if (bad === 'may be half written' && plan.refusal.kind === 'invalid' && isYounger(source, unsettledMs)) return 'again';
    await live.setProblems(source, plan.refusal.problems, cause);
    return 'done';
  }
  const removes = plan.changes.some(({ action }) => action === 'remove');
  if (bad === 'may be half written' && removes && source.reader.looksCutOff(plan.reading.content, source.content ?? '{}') && isYounger(source, cutOffMs)) return 'again';
  try {
    if (plan.reading.content !== source.content) {
      await live.publish(source, plan, { cause, events: (tx, changes, revision) => appendSourceChanged(tx, source.name, revision, changes, cause) });
    }
    await live.setProblems(source, [], cause);
  } catch (error) {
    if (!(error instanceof HiveError)) throw error;
    await live.setProblems(source, [fileProblem(source.row.path, `${source.row.path} was read but not taken live: ${error.message}`)], cause);
    watched.retry(source.name, storageRetryMs);
  }
  return 'done';
}

function isYounger(source: RegisteredSource, thanMs: number): boolean {
  try {
    const age = Date.now() - statSync(source.reader.file.path).mtimeMs;
    return age >= 0 && age < thanMs;
  } catch {
    return false;
  }
}

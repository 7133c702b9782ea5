import { HiveError } from '../../shared/errors/hive-error.js';
import { readDuration } from '../command-line/read-time.js';
import type { Context } from '../context.js';
import { fetchKnownNames, lookUpTargets } from '../names/known-names.js';
import { bringDown } from './stop.js';

/** `hivectl down`: stops the folder's services, or those named, or with `--all` every one. */
export async function down(context: Context, args: { service: string[]; all: boolean; wait: boolean; timeout: string }): Promise<void> {
  const timeoutMs = readDuration('timeout', args.timeout);
  const names = args.service.length > 0 ? args.service : await sourcesToStop(context, args.all);
  if (names.length === 0) return context.say('Nothing to stop.');
  await bringDown(context, { ...(await lookUpTargets(context, names)), wait: args.wait, timeoutMs });
}

async function sourcesToStop(context: Context, all: boolean): Promise<string[]> {
  const { services, folderSource } = await fetchKnownNames(context);
  const sources = [...new Set(services.map(({ source }) => source))];
  if (all) return sources.map((source) => `${source}:*`);
  if (folderSource === null) {
    throw new HiveError('NOT_FOUND', `${context.cwd} belongs to no source that the daemon knows.`, {
      next: 'Name services, or stop everything with hivectl down --all.',
    });
  }
  return sources.includes(folderSource) ? [`${folderSource}:*`] : [];
}

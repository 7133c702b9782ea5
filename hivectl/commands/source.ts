import { resolve } from 'node:path';
import { HiveError } from '../../shared/errors/hive-error.js';
import type { Change, Source } from '../../shared/protocol/results.js';
import type { Context } from '../context.js';
import { patient } from '../patience.js';
import { findProjectFolder } from '../names/project-folder.js';
import { renderChanges } from '../render/changes.js';
import { renderProblems } from '../render/problems.js';
import { renderSources } from '../render/source-table.js';
import { count } from '../render/text.js';

type Named = { source: string };

export async function listSources(context: Context): Promise<void> {
  const result = await (await context.client()).listSources();
  context.show(result, ({ sources }) => renderSources(sources, context.terminal.columns, context.terminal.paint));
}

export async function addSource(context: Context, args: { path: string | undefined; name: string | undefined }): Promise<void> {
  const path = args.path === undefined ? findProjectFolder(context.cwd)?.root : resolve(context.cwd, args.path);
  if (path === undefined) {
    throw new HiveError('NOT_FOUND', `Neither ${context.cwd} nor a folder above it has a .adi/hive.yaml.`, { next: 'Name the folder or the database.' });
  }
  const source = await (await context.client()).addSource({ path, ...(args.name === undefined ? {} : { name: args.name }) }, patient);
  if (source.status === 'error') {
    throw new HiveError('INVALID_CONFIG', `Source ${source.name} is registered but cannot be loaded.`, {
      next: 'Mend the file; it is read again when it changes.',
      data: { problems: source.problems },
    });
  }
  tell(context, source, `Source ${source.name} has ${count(source.services, 'service')}; start them with hivectl start ${source.name}:*`);
}

export async function removeSource(context: Context, args: Named): Promise<void> {
  tell(context, await (await context.client()).removeSource({ name: args.source }, patient), `Source ${args.source} is removed.`);
}

export async function enableSource(context: Context, args: Named): Promise<void> {
  tell(context, await (await context.client()).enableSource({ name: args.source }, patient), `Source ${args.source} is enabled.`);
}

export async function disableSource(context: Context, args: Named): Promise<void> {
  tell(context, await (await context.client()).disableSource({ name: args.source }, patient), `Source ${args.source} is disabled; its services are stopped.`);
}

export async function reloadSource(context: Context, args: Named): Promise<void> {
  const result = await (await context.client()).reloadSource({ name: args.source }, patient);
  context.show(result, () => changes(context, result.changes, `Source ${args.source} is as it was.`));
}

export async function planSource(context: Context, args: Named): Promise<void> {
  const result = await (await context.client()).planSource({ name: args.source }, patient);
  if (result.problems.length > 0 && !context.options.json) {
    throw new HiveError('INVALID_CONFIG', `Source ${args.source} could not be reloaded.`, { next: 'What runs goes on meanwhile.', data: { problems: result.problems } });
  }
  context.show(result, () => changes(context, result.changes, 'A reload would change nothing.'));
}

function changes(context: Context, all: readonly Change[], nothing: string): string[] {
  const touched = all.filter(({ action }) => action !== 'none');
  return touched.length === 0 ? [nothing] : renderChanges(touched, context.terminal.columns, context.terminal.paint);
}

function tell(context: Context, source: Source, sentence: string): void {
  const { paint } = context.terminal;
  context.show(source, () => (context.options.quiet ? [] : [...renderProblems(source.problems, paint), sentence]));
}

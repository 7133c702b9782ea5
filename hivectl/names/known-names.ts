import { HiveError } from '../../shared/errors/hive-error.js';
import type { Service } from '../../shared/protocol/results.js';
import type { Context } from '../context.js';
import { findProjectFolder, sourceOfFolder } from './project-folder.js';
import { resolveService, resolveServiceOrSource, type KnownNames } from './resolve-service.js';

/** Asks the daemon for everything that a name may stand for. */
export async function fetchKnownNames(context: Context): Promise<KnownNames & { readonly services: readonly Service[] }> {
  const client = await context.client();
  const [{ services }, { sources }] = await Promise.all([client.listServices(), client.listSources()]);
  const project = findProjectFolder(context.cwd);
  const own = project === null ? undefined : sourceOfFolder(project, sources);
  return { services, sources: sources.map(({ name }) => name), folderSource: own?.name ?? null };
}

/** The full name of the one service that `text` names.. */
export async function lookUpService(context: Context, text: string): Promise<string> {
  return resolveService(text, await fetchKnownNames(context));
}

/** Services and sources by the names given, each once, with the services that they are. */
export async function lookUpTargets(context: Context, texts: readonly string[]): Promise<{ targets: Selection[]; services: Service[] }> {
  const known = await fetchKnownNames(context);
  const targets = texts.map((text) => resolveServiceOrSource(text, known));
  const isMeant = (service: Service): boolean =>
    targets.some((target) => ('fqn' in target ? target.fqn === service.fqn : target.source === service.source));
  const services = known.services.filter(isMeant);
  if (services.length === 0) {
    throw new HiveError('NOT_FOUND', `${texts.join(', ')} has no services.`, { next: 'hivectl status --all lists all services.' });
  }
  return { targets: uniqueTargets(targets), services };
}

export type Selection = { readonly fqn: string } | { readonly source: string };

function uniqueTargets(targets: readonly Selection[]): Selection[] {
  return [...new Map(targets.map((target) => [JSON.stringify(target), target])).values()];
}

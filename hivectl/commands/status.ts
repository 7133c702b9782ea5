import type { Context } from '../context.js';
import type { KnownNames } from '../names/resolve-service.js';
import { findProjectFolder, sourceOfFolder } from '../names/project-folder.js';
import { renderStatus, summary } from '../render/status-table.js';

/** `hivectl status`: those named, else those of the folder's source, else (or with `--all`) every service. */
export async function status(context: Context, args: { service: string[]; all: boolean }): Promise<void> {
  const client = await context.client();
  const project = args.all ? null : findProjectFolder(context.cwd);
  const needsNames = args.service.length > 0;
  const [{ services }, sources, stats] = await Promise.all([
    client.listServices(),
    needsNames || project !== null ? client.listSources() : null,
    // What services use is a bonus: a status without it is better than none.
    context.options.json ? [] : client.getStats().then(({ stats }) => stats, () => []),
  ]);
  const folderSource = project === null || sources === null ? undefined : sourceOfFolder(project, sources.sources)?.name;
  const shown = needsNames
    ? await named(args.service, { services, sources: sources?.sources.map(({ name }) => name) ?? [], folderSource: folderSource ?? null })
    : new Set(services.filter(({ source }) => folderSource === undefined || source === folderSource).map(({ fqn }) => fqn));
  const result = { services: services.filter(({ fqn }) => shown.has(fqn)) };
  context.show(result, () => {
    const { columns, paint } = context.terminal;
    const table = renderStatus(result.services, stats, { now: Date.now(), columns, paint });
    return columns === null || result.services.length < 10 ? table : [...table, paint('dim', summary(result.services))];
  });
}

async function named(texts: readonly string[], known: KnownNames): Promise<Set<string>> {
  const { resolveServiceOrSource } = await import('../names/resolve-service.js');
  const targets = texts.map((text) => resolveServiceOrSource(text, known));
  const isMeant = ({ fqn, source }: { fqn: string; source: string }): boolean =>
    targets.some((target) => ('fqn' in target ? target.fqn === fqn : target.source === source));
  return new Set(known.services.filter(isMeant).map(({ fqn }) => fqn));
}

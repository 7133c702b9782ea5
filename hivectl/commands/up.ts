import { HiveError } from '../../shared/errors/hive-error.js';
import type { DaemonClient } from '../../shared/client/daemon-client.js';
import type { Source } from '../../shared/protocol/results.js';
import { readDuration } from '../command-line/read-time.js';
import type { Context } from '../context.js';
import { ensureDaemon } from '../daemon-process/ensure-daemon.js';
import type { ExitCode } from '../exit-codes.js';
import { patient } from '../patience.js';
import { lookUpTargets } from '../names/known-names.js';
import { findProjectFolder, sourceOfFolder, type ProjectFolder } from '../names/project-folder.js';
import { bringUp } from './start.js';

/** `hivectl up`: the daemon if needed, the folder's source, its services (or those named), until they are healthy. */
export async function up(context: Context, args: { service: string[]; wait: boolean; timeout: string }): Promise<ExitCode | void> {
  const timeoutMs = readDuration('timeout', args.timeout);
  const project = findProjectFolder(context.cwd);
  if (project === null && args.service.length === 0) throw noProject(context.cwd);
  const client = await ensureDaemon(context);
  const source = project === null ? null : await registerFolder(client, project);
  const names = args.service.length > 0 || source === null ? args.service : [`${source.name}:*`];
  if (source !== null && source.services === 0 && args.service.length === 0) {
    context.say(`Source ${source.name} (${source.path}) describes no services.`);
    return;
  }
  const { targets, services } = await lookUpTargets(context, names);
  await bringUp(context, { targets, services, wait: args.wait, timeoutMs });
}

/** Adds the folder as a source, or has it read again, so that what is started is what the file says now. */
async function registerFolder(client: DaemonClient, project: ProjectFolder): Promise<Source> {
  const { sources } = await client.listSources();
  const known = sourceOfFolder(project, sources);
  if (known === undefined) return refuseProblems(await client.addSource({ path: project.root }, patient));
  if (!known.enabled) return refuseProblems(await client.enableSource({ name: known.name }, patient));
  return (await client.reloadSource({ name: known.name }, patient)).source;
}

function refuseProblems(source: Source): Source {
  if (source.status !== 'error') return source;
  throw new HiveError('INVALID_CONFIG', `Source ${source.name} cannot be loaded.`, {
    next: 'Mend the file, then run hivectl up again.',
    data: { problems: source.problems },
  });
}

function noProject(folder: string): HiveError {
  return new HiveError('NOT_FOUND', `Neither ${folder} nor a folder above it has a .adi/hive.yaml.`, {
    next: 'Go to a project that has one, write one, or name services: hivectl up default:*',
  });
}

import type { DaemonClient } from '../../shared/client/daemon-client.js';
import { HiveError } from '../../shared/errors/hive-error.js';
import { parseFqn } from '../../shared/config/names.js';
import { readDuration } from '../command-line/read-time.js';
import { readConfigInput } from '../read-config-input.js';
import { patient } from '../patience.js';
import type { Context } from '../context.js';
import { lookUpService } from '../names/known-names.js';
import { followDeploys } from './deploy.js';
import { renderRevisions } from '../render/revisions.js';

/** `hivectl service create <source>:<name> <file|->`. */
export async function createService(context: Context, args: { service: string; file: string }): Promise<void> {
  const { source, service: name } = parseFqn(args.service);
  const config = await readConfigInput(args.file, context.cwd);
  const created = await (await context.client()).createService({ source, name, config });
  context.show(created, () => [`${created.fqn} is created; start it with hivectl start ${created.fqn}`]);
}

export async function updateService(context: Context, args: { service: string; file: string; 'if-revision': number | undefined }): Promise<void> {
  const fqn = await lookUpService(context, args.service);
  const patch = await readConfigInput(args.file, context.cwd);
  const ifRevision = args['if-revision'];
  const result = await (await context.client()).updateService({ fqn, patch, ...(ifRevision === undefined ? {} : { ifRevision }) });
  context.show(result, () => [`${fqn} has revision ${result.revision} now.`]);
}

export async function deleteService(context: Context, args: { service: string }): Promise<void> {
  const fqn = await lookUpService(context, args.service);
  const result = await (await context.client()).deleteService({ fqn }, patient);
  context.show(result, () => [`${fqn} is deleted.`]);
}

export async function showServiceConfig(context: Context, args: { service: string }): Promise<void> {
  const fqn = await lookUpService(context, args.service);
  const result = await (await context.client()).getServiceConfig({ fqn });
  const { stringify } = await import('yaml');
  context.show(result, () => [`# ${fqn}, revision ${result.revision}`, stringify(result.config).trimEnd()]);
}

export async function listRevisions(context: Context, args: { service: string }): Promise<void> {
  const fqn = await lookUpService(context, args.service);
  const result = await (await context.client()).listRevisions({ fqn });
  context.show(result, ({ revisions }) => renderRevisions(revisions, new Date(), context.terminal.columns, context.terminal.paint));
}

/** `hivectl service rollback`: makes an earlier revision the present one, and shows how it is deployed where the service runs. */
export async function rollbackService(context: Context, args: { service: string; revision: string | undefined; wait: boolean; timeout: string }): Promise<void> {
  const timeoutMs = readDuration('timeout', args.timeout);
  const fqn = await lookUpService(context, args.service);
  const client = await context.client();
  const revision = args.revision === undefined ? await revisionBefore(client, fqn) : revisionNumber(args.revision, fqn);
  const result = await client.rollbackService({ fqn, revision });
  const sentence = `${fqn} is as in revision ${revision} again, which is revision ${result.revision} now.`;
  const service = await client.getService({ fqn });
  if (!args.wait || service.wanted === 'down' || context.options.json) return context.show(result, () => [sentence]);
  context.note(sentence);
  await followDeploys(context, [service], timeoutMs);
}

function revisionNumber(text: string, fqn: string): number {
  if (/^\d{1,9}$/.test(text)) return Number(text);
  throw new HiveError('INVALID_PARAMS', `"${text}" is not the number of a revision.`, { next: `hivectl service revisions ${fqn} lists them.` });
}

async function revisionBefore(client: DaemonClient, fqn: string): Promise<number> {
  const { revisions } = await client.listRevisions({ fqn });
  const [, before] = [...revisions].sort((one, other) => other.revision - one.revision);
  if (before !== undefined) return before.revision;
  throw new HiveError('CONFLICT', `${fqn} has no revision before its present one.`, { next: `hivectl service revisions ${fqn} lists them.` });
}

import { HiveError } from '../../shared/errors/hive-error.js';
import { parseFqn } from '../../shared/config/names.js';
import { readConfigInput } from '../read-config-input.js';
import { patient } from '../patience.js';
import type { Context } from '../context.js';
import { lookUpService } from '../names/known-names.js';
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

export async function rollbackService(context: Context, args: { service: string; revision: string }): Promise<void> {
  const fqn = await lookUpService(context, args.service);
  if (!/^\d{1,9}$/.test(args.revision)) {
    throw new HiveError('INVALID_PARAMS', `"${args.revision}" is not the number of a revision.`, { next: `hivectl service revisions ${fqn} lists them.` });
  }
  const result = await (await context.client()).rollbackService({ fqn, revision: Number(args.revision) });
  context.show(result, () => [`${fqn} is as in revision ${args.revision} again, which is revision ${result.revision} now.`]);
}

import { existsSync, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { HiveError } from '../../shared/errors/hive-error.js';
import type { Result } from '../../shared/protocol/methods.js';
import type { Context } from '../context.js';
import { exitCodes, type ExitCode } from '../exit-codes.js';
import { findProjectFolder } from '../names/project-folder.js';
import { fetchKnownNames, lookUpTargets } from '../names/known-names.js';
import { renderProblems } from '../render/problems.js';
import { count } from '../render/text.js';

/** `hivectl config validate`: asks the daemon where one runs, for it knows the other sources too; else reads the file itself. */
export async function validateConfig(context: Context, args: { path: string | undefined }): Promise<ExitCode> {
  const file = fileToValidate(context, args.path);
  const result = (await askDaemon(context, file)) ?? (await validateHere(file));
  context.show(result, ({ problems }) =>
    problems.length === 0 ? [`${file} is in order.`] : [...renderProblems(problems, context.terminal.paint), count(problems.length, 'problem')],
  );
  return result.problems.length === 0 ? exitCodes.done : exitCodes.refused;
}

/** `hivectl config show`: services as the daemon knows them, as YAML. */
export async function showConfig(context: Context, args: { service: string[] }): Promise<void> {
  const client = await context.client();
  const names = args.service.length > 0 ? args.service : [`${await sourceOrFolder(context, undefined)}:*`];
  const { services } = await lookUpTargets(context, names);
  const configs = await Promise.all(services.map(({ fqn }) => client.getServiceConfig({ fqn })));
  const { stringify } = await import('yaml');
  const result = { configs };
  context.show(result, () => [stringify(Object.fromEntries(configs.map(({ fqn, config }) => [fqn, config]))).trimEnd()]);
}

/** `hivectl config export`: a source as one hive.yaml. */
export async function exportConfig(context: Context, args: { source: string | undefined }): Promise<void> {
  const client = await context.client();
  const source = await sourceOrFolder(context, args.source);
  const { services } = await client.listServices({ source });
  const configs = await Promise.all(services.map(async ({ fqn, name }) => [name, (await client.getServiceConfig({ fqn })).config] as const));
  const document = { version: '1', services: Object.fromEntries(configs) };
  const { stringify } = await import('yaml');
  context.show(document, () => [stringify(document).trimEnd()]);
}

/** `hivectl config schema`: this hivectl's own, so that it needs no daemon. */
export async function printSchema(context: Context): Promise<void> {
  const [{ configJsonSchema }, { shippedSettings }] = await Promise.all([import('../../shared/config/json-schema.js'), import('../../shared/config/shipped-settings.js')]);
  context.terminal.out(`${JSON.stringify(configJsonSchema(shippedSettings()), null, 2)}\n`);
}

function fileToValidate(context: Context, path: string | undefined): string {
  const asked = path === undefined ? findProjectFolder(context.cwd)?.file : resolve(context.cwd, path);
  if (asked === undefined) {
    throw new HiveError('NOT_FOUND', `Neither ${context.cwd} nor a folder above it has a .adi/hive.yaml.`, { next: 'Name the file to validate.' });
  }
  const found = statSync(asked, { throwIfNoEntry: false });
  if (found === undefined) throw new HiveError('NOT_FOUND', `There is no file ${asked}.`, { next: 'Name a file, or a folder with .adi/hive.yaml.' });
  if (!found.isDirectory()) return asked;
  const inside = [join(asked, '.adi', 'hive.yaml'), join(asked, 'hive.yaml')].find((file) => existsSync(file));
  if (inside !== undefined) return inside;
  throw new HiveError('NOT_FOUND', `${asked} has neither .adi/hive.yaml nor hive.yaml.`, { next: 'Name the file to validate.' });
}

async function askDaemon(context: Context, path: string): Promise<Result<'config.validate'> | null> {
  try {
    return await (await context.client()).validateConfig({ path });
  } catch (thrown) {
    if (thrown instanceof HiveError && (thrown.code === 'DAEMON_UNREACHABLE' || thrown.code === 'METHOD_NOT_FOUND')) return null;
    throw thrown;
  }
}

async function validateHere(file: string): Promise<Result<'config.validate'>> {
  const [{ loadSourceFile }, { shippedSettings }] = await Promise.all([import('../../shared/config/load-source.js'), import('../../shared/config/shipped-settings.js')]);
  const folder = dirname(file);
  const projectRoot = folder.endsWith('/.adi') ? dirname(folder) : folder;
  const loaded = await loadSourceFile(file, { source: 'default', projectRoot, env: process.env, pluginSettings: shippedSettings() });
  return { problems: loaded.ok ? [] : [...loaded.problems] };
}

async function sourceOrFolder(context: Context, named: string | undefined): Promise<string> {
  const known = await fetchKnownNames(context);
  const source = named ?? known.folderSource;
  if (source !== null && known.sources.includes(source)) return source;
  if (source === null) throw new HiveError('NOT_FOUND', `${context.cwd} belongs to no source that the daemon knows.`, { next: 'Name one; hivectl source list shows them.' });
  throw new HiveError('NOT_FOUND', `There is no source ${source}.`, { next: 'hivectl source list shows what there is.' });
}

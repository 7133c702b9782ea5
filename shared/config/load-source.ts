import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { z } from 'zod';
import { checkDependencies } from './check-dependencies.js';
import { checkFields } from './check-fields.js';
import { checkLimits } from './check-limits.js';
import { checkPortsAreUnique, checkPortsOfService } from './check-ports.js';
import { checkScale } from './check-scale.js';
import { checkAliases, checkBlueGreen, checkExposedAreUnique, checkRoutesAreUnique } from './check-routes.js';
import { checkSourceTemplates, checkTemplates } from './check-templates.js';
import { nodeAt, nowhere, type ConfigNode, type MapNode } from './config-node.js';
import { normaliseEnvironment } from './environment.js';
import { withDefaultsInOwnHooks } from './defaults.js';
import { normaliseHooks } from './hooks.js';
import { interpolate, type Environment } from './interpolate.js';
import { limitSupport, type LimitSupport } from './limit-support.js';
import { nameProblem } from './names.js';
import { normaliseService } from './normalise-service.js';
import { checkPluginSettings, type DeclaredSettings } from './plugin-settings.js';
import type { LoadResult } from './problem.js';
import { ProblemList } from './problem-list.js';
import { largestFile, readText } from './read-text.js';
import { readYaml } from './read-yaml.js';
import type { ServiceConfig } from './service-config.js';
import { draftService, type ServiceDraft } from './service-draft.js';
import type { ServiceSpec, SourceSpec } from './service-spec.js';
import { systemErrorCode } from './system-error.js';
import { sourceFields } from './source-config.js';
import { deepFreeze } from './spec-hash.js';
import { normaliseProxyListen } from './proxy.js';

export interface LoadOptions {
  /** The source's name. */
  readonly source: string;
  /** Relative paths resolve against this folder. */
  readonly projectRoot: string;
  /** What `${env.NAME}` means; usually process.env. */
  readonly env: Environment;
  /** What plugins declare about their settings; by default nothing, and then all is left to them. */
  readonly pluginSettings?: DeclaredSettings;
  /** Which limits can be enforced; what this machine can do by default. */
  readonly limitSupport?: LimitSupport;
}

/** Reads and loads a YAML file. Never throws: what cannot be read is a problem too. */
export async function loadSourceFile(file: string, options: LoadOptions): Promise<LoadResult<SourceSpec>> {
  try {
    return loadSource(await readAtMost(file, largestFile + 1), file, options);
  } catch (error) {
    const problems = new ProblemList({ kind: 'text', file, text: '' });
    problems.add({ span: nowhere, path: [], code: 'SYNTAX', message: `The file cannot be read: ${whyNot(error)}.` });
    return { ok: false, problems: problems.inOrder() };
  }
}

/** Loads the content of a YAML file: bytes as they were read, or text. `file` is what problems call it. */
export function loadSource(content: Uint8Array | string, file: string, options: LoadOptions): LoadResult<SourceSpec> {
  const read = readText(typeof content === 'string' ? Buffer.from(content) : content);
  const problems = new ProblemList({ kind: 'text', file, text: read.ok ? read.text : '' });
  if (!read.ok) problems.add({ span: nowhere, path: [], code: 'SYNTAX', message: read.message });
  const root = read.ok ? readYaml(read.text, problems) : null;
  return root === null ? { ok: false, problems: problems.inOrder() } : loadTree(root, problems, options, []);
}

const outlineSchema = z.strictObject({ ...sourceFields, services: z.record(z.string(), z.unknown()).describe('The services by name; {} for none.') });

/** Everything after parsing, which files and databases have in common. `siblings` are already part of the source. */
export function loadTree(written: ConfigNode, problems: ProblemList, options: LoadOptions, siblings: readonly ServiceSpec[]): LoadResult<SourceSpec> {
  problems.hideSecretsOf(written);
  const root = withDefaultsInOwnHooks(interpolate(written, options.env, problems));
  const outline = checkFields(outlineSchema, root, [], problems);
  checkSourceName(options.source, problems);
  checkDefaultSourceOnly(outline.node, options.source, problems);
  const defaults = outline.wrong.has('defaults') ? null : outline.node && nodeAt(outline.node, ['defaults']);
  const drafts = draftServices(outline.node, defaults?.kind === 'map' ? defaults : null, problems);
  checkPluginSettings(outline.node, options.pluginSettings ?? {}, problems);
  checkSourceTemplates(outline.node ?? root, problems);
  for (const draft of drafts) {
    checkPortsOfService(draft, problems);
    checkScale(draft, problems);
    checkLimits(draft, options.limitSupport ?? limitSupport, problems);
    checkBlueGreen(draft, problems);
    checkAliases(draft, problems);
    checkTemplates(draft, problems);
  }
  checkDependencies(drafts, siblings, problems);
  checkPortsAreUnique(drafts, siblings, problems);
  checkRoutesAreUnique(drafts, siblings, problems);
  checkExposedAreUnique(drafts, siblings, problems);
  if (!problems.isEmpty) return { ok: false, problems: problems.inOrder() };
  return { ok: true, spec: normaliseSource(outline.fields, drafts, options) };
}

function draftServices(root: MapNode | null, defaults: MapNode | null, problems: ProblemList): ServiceDraft[] {
  const services = root === null ? null : nodeAt(root, ['services']);
  if (services?.kind !== 'map') return [];
  return [...services.entries].map(([name, entry]) => draftService(name, entry.value, entry.keySpan, defaults, problems));
}

function normaliseSource(fields: Partial<z.output<typeof outlineSchema>>, drafts: readonly ServiceDraft[], options: LoadOptions): SourceSpec {
  const { source, projectRoot } = options;
  const environment = normaliseEnvironment(fields.environment, projectRoot);
  const context = { source, projectRoot, sourceEnvironment: environment };
  return deepFreeze({
    name: source,
    projectRoot,
    services: drafts.map((draft) => normaliseService(draft.name, draft.config as ServiceConfig, context)),
    proxy: fields.proxy === undefined ? null : normaliseProxyListen(fields.proxy),
    environment,
    hooks: normaliseHooks(fields.hooks, { projectRoot, workingDir: projectRoot }),
    observability: { resourceIntervalMs: fields.observability?.resource_interval ?? 5000 },
    plugins: fields.plugins ?? {},
  });
}

function checkSourceName(source: string, problems: ProblemList): void {
  const message = nameProblem('source', source);
  if (message !== null) problems.add({ span: nowhere, path: [], code: 'INVALID_VALUE', message });
}

function checkDefaultSourceOnly(root: MapNode | null, source: string, problems: ProblemList): void {
  if (source === 'default') return;
  for (const key of ['proxy', 'plugins']) {
    const entry = root?.entries.get(key);
    if (entry === undefined) continue;
    problems.add({
      span: entry.keySpan,
      path: [key],
      code: 'INVALID_VALUE',
      message: `${key} at the top level belongs to the default source alone, because there is one for the whole daemon; this is source ${source}.`,
    });
  }
}

async function readAtMost(file: string, most: number): Promise<Uint8Array> {
  // Without O_NONBLOCK, opening a named pipe waits for a writer.
  const handle = await open(file, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    const stat = await handle.stat();
    if (!stat.isFile()) throw new Error(stat.isDirectory() ? 'it is a folder' : 'it is not a file');
    const buffer = Buffer.alloc(most);
    let length = 0;
    for (;;) {
      const { bytesRead } = await handle.read(buffer, length, most - length, length);
      length += bytesRead;
      if (bytesRead === 0 || length === most) return buffer.subarray(0, length);
    }
  } finally {
    await handle.close();
  }
}

function whyNot(error: unknown): string {
  switch (systemErrorCode(error)) {
    case 'ENOENT':
      return 'there is no such file';
    case 'EACCES':
      return 'permission is denied';
    default:
      return error instanceof Error ? error.message : String(error);
  }
}

import { access, readFile, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { HiveError } from '../../../shared/errors/hive-error.js';
import type { ExportedState } from '../snapshot/exported.js';
import { sha256, type BackedUpFile, type BackedUpSource, type Manifest } from '../snapshot/manifest.js';
import { runJob } from '../worker/run-job.js';
import { presentPath, saidOf, whatToRecall, type ToRecall } from './carry-over.js';
import type { RestorePlan, RestoreStep } from './restore-plan.js';

/** A snapshot that lies in a folder, and the daemon as it is now. */
export interface Situation {
  readonly manifest: Manifest;
  /** What the snapshot says of its daemon. */
  readonly then: ExportedState;
  readonly now: ExportedState;
  /** Where the files of the snapshot are. */
  readonly folder: string;
}

/** Works out what a restore has to do; changes nothing. @throws HiveError NOT_FOUND, CONFLICT */
export async function planRestore(situation: Situation, only: string | null): Promise<RestorePlan> {
  const { manifest } = situation;
  const plan: Draft = { steps: [], unchanged: [], remarks: [...manifest.missing] };
  if (manifest.home !== situation.now.home) plan.remarks.push(`What was in ${manifest.home} goes to ${situation.now.home}.`);
  if (only === null) await planWhole(situation, plan);
  else await planService(situation, only, plan);
  return { snapshot: manifest.id, createdAt: manifest.createdAt, host: manifest.host, hive: manifest.hive, encrypted: manifest.encrypted, only, ...plan };
}

interface Draft { readonly steps: RestoreStep[]; readonly unchanged: string[]; readonly remarks: string[] }

async function planWhole(situation: Situation, plan: Draft): Promise<void> {
  const { manifest, then, now } = situation;
  // First: what is wanted down must not start when its source comes. Of a disabled source nothing is to start, so that its
  // turn comes when it is disabled.
  const [first, last] = [true, false].map((enabled) => whatToRecall(then, now, manifest.sources.filter((source) => source.enabled === enabled).map(({ name }) => name)));
  recall(first, plan);
  if (isNothing(first) && isNothing(last)) plan.unchanged.push('What is wanted up and down, and scales.');
  const plugins = then.plugins.filter(({ plugin, choice }) => (now.plugins.find((one) => one.plugin === plugin)?.choice ?? 'default') !== choice);
  // This plugin ran when the snapshot was made, by hand or by hive.yaml: in this order it is wanted all the way.
  const enabled = plugins.filter(({ choice }) => choice === 'enabled');
  const others = plugins.filter(({ choice }) => choice !== 'enabled');
  if (enabled.length > 0) plan.steps.push({ do: 'choosePlugins', plugins: enabled });
  for (const source of manifest.sources) await planSource(situation, source, plan);
  recall(last, plan);
  const kept = now.sources.map(({ name }) => name).filter((name) => name !== 'default' && !manifest.sources.some((source) => source.name === name));
  if (kept.length > 0) plan.remarks.push(`Not in the snapshot, and left as they are: ${kept.join(', ')}.`);
  if (others.length > 0) plan.steps.push({ do: 'choosePlugins', plugins: others });
}

function recall(what: ToRecall | undefined, plan: Draft): void {
  if (what !== undefined && !isNothing(what)) plan.steps.push({ do: 'recall', ...what });
}

function isNothing(what: ToRecall | undefined): boolean {
  return what === undefined || what.intents.length + what.scales.length === 0;
}

async function planSource(situation: Situation, source: BackedUpSource, plan: Draft): Promise<void> {
  const { manifest, now } = situation;
  const path = presentPath(source.path, manifest.home, now.home);
  const registered = now.sources.find(({ name }) => name === source.name);
  assertFree(source.name, path, now);
  const files = manifest.files.filter((file) => file.source === source.name);
  const before = plan.steps.length;
  // Before its file comes, or its services would start and be stopped again.
  if (registered?.enabled === true && !source.enabled) plan.steps.push({ do: 'disable', source: source.name });
  if (source.name === 'default' && files.some(({ role }) => role === 'config')) {
    const other = join(now.home, path.endsWith('.db') ? 'hive.yaml' : 'hive.db');
    if (await isThere(other)) plan.steps.push({ do: 'putAside', source: source.name, path: other, why: 'the default source has one file' });
  }
  for (const file of files) await planFile(situation, source, file, plan);
  const hasFile = files.some(({ role }) => role === 'config');
  if (!hasFile && !(await isThere(path))) {
    if (source.name !== 'default') plan.remarks.push(`Source ${source.name} has no configuration in the snapshot and none in ${path}: it is left out.`);
    return;
  }
  if (registered === undefined) {
    plan.steps.push({ do: 'add', source: source.name, path });
    if (!source.enabled) plan.steps.push({ do: 'disable', source: source.name });
  } else if (source.enabled && !registered.enabled) plan.steps.push({ do: 'enable', source: source.name });
  else if (source.enabled && plan.steps.length > before) plan.steps.push({ do: 'reload', source: source.name });
  if (plan.steps.length === before) plan.unchanged.push(`Source ${source.name} (${path}).`);
}

async function planFile({ manifest, now, folder }: Situation, source: BackedUpSource, file: BackedUpFile, plan: Draft): Promise<void> {
  const path = presentPath(file.path ?? '', manifest.home, now.home);
  const from = join(folder, file.name);
  const present = await digestOf(path);
  if (present === null && file.role === 'config' && dirname(path) !== now.home && !(await isThere(dirname(path)))) {
    const project = basename(dirname(path)) === '.adi' ? dirname(dirname(path)) : dirname(path);
    plan.remarks.push(`${project} is made anew: the programs of source ${source.name} are not in a backup.`);
  }
  if (file.name.endsWith('.db') && present !== null) {
    // A live database never has the bytes of its copy.
    const { same } = await runJob('compare', { kind: 'sqlite', then: from, now: path, service: null });
    if (!same) plan.steps.push({ do: 'replaceDatabase', source: source.name, path, from });
  } else if (present !== file.sha256) {
    plan.steps.push({ do: 'write', source: source.name, path, from, mode: file.mode, change: present === null ? 'new' : 'changed' });
  }
}

/** The full name that is meant: a service of the snapshot may be named without its source where there is only one. @throws HiveError */
export function serviceMeant({ sources }: Manifest, text: string): string {
  if (text.includes(':')) return text;
  const [only, another] = sources.filter(({ services }) => services.includes(text));
  if (only !== undefined && another === undefined) return `${only.name}:${text}`;
  const candidates = sources.filter(({ services }) => services.includes(text)).map(({ name }) => `${name}:${text}`);
  throw only === undefined
    ? new HiveError('NOT_FOUND', `The snapshot has no service ${JSON.stringify(text)}.`, { next: 'Write its full name: source:service.' })
    : new HiveError('INVALID_PARAMS', `${text} is the name of several services: ${candidates.join(', ')}.`, { next: 'Write the full name of one.' });
}

async function planService({ manifest, then, now, folder }: Situation, fqn: string, plan: Draft): Promise<void> {
  const [name = '', service = ''] = fqn.split(':');
  const source = manifest.sources.find((one) => one.name === name);
  const file = manifest.files.find((one) => one.source === name && one.role === 'config');
  if (source === undefined || file === undefined || (source.services.length > 0 && !source.services.includes(service))) {
    const known = manifest.sources.flatMap((one) => one.services.map((each) => `${one.name}:${each}`));
    throw new HiveError('NOT_FOUND', `Snapshot ${manifest.id} has no service ${fqn}.`, { next: known.length === 0 ? 'Restore it whole (without --only).' : `It has ${known.slice(0, 20).join(', ')}.` });
  }
  const registered = now.sources.find((one) => one.name === name);
  const path = presentPath(source.path, manifest.home, now.home);
  if (registered === undefined || !(await isThere(path))) {
    throw new HiveError('NOT_FOUND', `Source ${name} is not there, so ${fqn} alone cannot be put back into it.`, { next: 'Restore the whole snapshot (without --only).' });
  }
  assertFree(name, path, now);
  if (registered.kind !== source.kind) throw new HiveError('CONFLICT', `Source ${name} is ${registered.kind} now and was ${source.kind} in the snapshot.`, { next: 'Restore the whole snapshot (without --only).' });
  recall(saidOf(fqn, then, now), plan);
  const from = join(folder, file.name);
  const { same } = await runJob('compare', { kind: source.kind, then: from, now: path, service });
  if (same) plan.unchanged.push(`The configuration of ${fqn} (${path}).`);
  else plan.steps.push({ do: 'service', fqn, kind: source.kind, path, from });
  for (const dotenv of manifest.files.filter((one) => one.source === name && one.role === 'dotenv')) {
    const where = presentPath(dotenv.path ?? '', manifest.home, now.home);
    // Others may live by what it says now; only what is gone comes back.
    if (!(await isThere(where))) plan.steps.push({ do: 'write', source: name, path: where, from: join(folder, dotenv.name), mode: dotenv.mode, change: 'new' });
  }
}

function assertFree(name: string, path: string, now: ExportedState): void {
  const namesake = now.sources.find((one) => one.name === name);
  if (namesake !== undefined && namesake.path !== path && name !== 'default') {
    throw new HiveError('CONFLICT', `Source ${name} is ${namesake.path} now and was ${path} in the snapshot.`, { next: `Remove it first (hivectl source remove ${name}), then restore again.` });
  }
  const taken = now.sources.find((one) => one.path === path && one.name !== name);
  if (taken !== undefined) throw new HiveError('CONFLICT', `${path} is registered as source ${taken.name} now and was ${name} in the snapshot.`, { next: `Remove it first (hivectl source remove ${taken.name}), then restore again.` });
}

async function digestOf(path: string): Promise<string | null> {
  return readFile(path).then((content) => sha256(content), (error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return null;
    throw new HiveError('STORAGE_FAILED', `${path} cannot be read (${error.code ?? error.message}).`, { next: 'Give the user that Hive runs as the right to read and write it.' });
  });
}

async function isThere(path: string): Promise<boolean> {
  return access(path).then(() => true, () => stat(path).then(() => true, () => false));
}

import { copyFile, mkdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { toHiveError } from '../../../shared/errors/hive-error.js';
import type { DaemonClient } from '../../../shared/plugin/index.js';
import { syncFolder, writeDurably } from '../destination/durable-files.js';
import type { Tell } from '../snapshot/progress.js';
import { runJob } from '../worker/run-job.js';
import { patchTo } from './carry-over.js';
import { describeStep, type RestorePlan, type RestoreStep } from './restore-plan.js';

export interface RestoreOutcome {
  readonly done: readonly string[];
  /** What could not be done, and why. The rest was done all the same. */
  readonly failed: readonly { readonly step: string; readonly problem: string; readonly next: string | null }[];
  /** Files that were replaced, where they are kept. */
  readonly kept: readonly string[];
}

/** Adding and reloading a source reads it and may have to stop services, milliseconds. */
const patient = { deadlineMs: 180_000 } as const;

/**
 * Does what was planned, step by step. A source that cannot be restored stops none of the others: after a disaster, half
 * is better than nothing.
 */
export async function applyRestore(plan: RestorePlan, daemon: DaemonClient, tell: Tell): Promise<RestoreOutcome> {
  const outcome = { done: [] as string[], failed: [] as RestoreOutcome['failed'][number][], kept: [] as string[] };
  const spoiled = new Set<string>();
  for (const [index, step] of plan.steps.entries()) {
    const source = 'source' in step ? step.source : null;
    if (source !== null && spoiled.has(source)) continue;
    const said = describeStep(step);
    tell({ step: said, done: index, of: plan.steps.length });
    try {
      await perform(step, plan, daemon, (path) => void outcome.kept.push(path));
      outcome.done.push(said);
    } catch (thrown) {
      const { message, next = null, data } = toHiveError(thrown);
      const problems = Array.isArray(data['problems']) ? (data['problems'] as { message?: string }[]).flatMap((problem) => problem.message ?? []) : [];
      outcome.failed.push({ step: said, problem: [message, ...problems.slice(0, 5)].join(' '), next });
      if (source !== null) spoiled.add(source);
    }
  }
  return outcome;
}

async function perform(step: RestoreStep, plan: RestorePlan, daemon: DaemonClient, kept: (path: string) => void): Promise<void> {
  switch (step.do) {
    case 'recall':
      return void (await daemon.importState({ intents: [...step.intents], scales: [...step.scales] }));
    case 'write':
      return writeFileBack(step, plan.snapshot, kept);
    case 'replaceDatabase': {
      const keep = await keptName(step.path, plan.snapshot);
      await runJob('putIntoDatabase', { copy: step.from, into: step.path, keep });
      return kept(keep);
    }
    case 'putAside': {
      const keep = await keptName(step.path, plan.snapshot);
      await rename(step.path, keep);
      // Of a database, what was written last lies beside it.
      for (const suffix of ['-wal', '-shm']) await rename(`${step.path}${suffix}`, `${keep}${suffix}`).catch(() => undefined);
      return kept(keep);
    }
    case 'service':
      return step.kind === 'yaml' ? mergeYaml(step, plan.snapshot, daemon, kept) : putService(step, daemon);
    case 'add':
      return void (await daemon.addSource({ path: step.path, name: step.source }, patient));
    case 'reload':
      return void (await daemon.reloadSource({ name: step.source }, patient));
    case 'enable':
      return void (await daemon.enableSource({ name: step.source }, patient));
    case 'disable':
      return void (await daemon.disableSource({ name: step.source }, patient));
    case 'choosePlugins':
      return void (await daemon.importState({ plugins: [...step.plugins] }));
  }
}

async function writeFileBack({ path, from, mode, change }: Extract<RestoreStep, { do: 'write' }>, snapshot: string, kept: (path: string) => void): Promise<void> {
  if (change === 'changed') {
    const keep = await keptName(path, snapshot);
    await copyFile(path, keep);
    kept(keep);
  }
  await mkdir(dirname(path), { recursive: true });
  await replaceFile(path, await readFile(from), mode);
}

async function mergeYaml({ fqn, path, from }: Extract<RestoreStep, { do: 'service' }>, snapshot: string, daemon: DaemonClient, kept: (path: string) => void): Promise<void> {
  const [source = '', service = ''] = fqn.split(':');
  const { text } = await runJob('mergeService', { from, into: path, service });
  const keep = await keptName(path, snapshot);
  await copyFile(path, keep);
  kept(keep);
  await replaceFile(path, text, (await stat(path)).mode & 0o777);
  await daemon.reloadSource({ name: source }, patient);
}

/** As a change of its own, so that it is a revision like any other. */
async function putService({ fqn, from }: Extract<RestoreStep, { do: 'service' }>, daemon: DaemonClient): Promise<void> {
  const [source = '', name = ''] = fqn.split(':');
  const { config } = await runJob('readService', { database: from, service: name });
  const present = await daemon.getServiceConfig({ fqn }).catch(() => null);
  if (present === null) await daemon.createService({ source, name, config }, patient);
  else await daemon.updateService({ fqn, patch: patchTo(config, present.config) }, patient);
}

/** A reader sees the old file or the new one, whole. */
async function replaceFile(path: string, content: Uint8Array | string, mode: number): Promise<void> {
  const fresh = join(dirname(path), `.${path.slice(path.lastIndexOf('/') + 1)}.restoring`);
  await rm(fresh, { force: true });
  await writeDurably(fresh, content, mode);
  await rename(fresh, path);
  await syncFolder(dirname(path));
}

/** Where the present content of a file is kept: beside it, under a name that says before which restore. */
async function keptName(path: string, snapshot: string): Promise<string> {
  const stem = `${path}.before-${snapshot}`;
  for (let count = 1; ; count += 1) {
    const name = count === 1 ? stem : `${stem}-${count}`;
    const isTaken = await readFile(name).then(() => true, () => false);
    if (!isTaken) return name;
  }
}

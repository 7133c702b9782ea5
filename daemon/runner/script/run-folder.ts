import { readdirSync, rmdirSync } from 'node:fs';
import path from 'node:path';
import { HiveError } from '../../../shared/errors/hive-error.js';
import { isServiceName, isSourceName } from '../../../shared/config/names.js';
import { instanceKey, type InstanceRef } from '../runner.js';
import { wholeSource, type TaskRef } from '../task.js';

/** The folder that holds every run folder of a home. */
export function runRootOf(home: string): string {
  return path.join(home, 'run');
}

const taskName = /^[a-z][a-z0-9-]*(\.[a-z0-9-]+)*$/;

/**
 * `run/<source>/<service>/<number>` of a home, and for a task `run/<source>/<service>/<task>`. Throws INVALID_PARAMS for a
 * reference that could lead out of it.
 */
export function runFolderOf(home: string, ref: InstanceRef): string {
  if (ref.task !== undefined && isSourceName(ref.source) && (isServiceName(ref.service) || ref.service === wholeSource) && isTaskName(ref.task)) {
    return path.join(runRootOf(home), ref.source, ref.service, ref.task);
  }
  if (!isSourceName(ref.source) || !isServiceName(ref.service) || !Number.isSafeInteger(ref.number) || ref.number < 1 || ref.task !== undefined) {
    throw new HiveError('INVALID_PARAMS', `"${instanceKey(ref)}" names no instance.`, {
      next: 'Write source and service in lower-case letters, digits, - and _, and count instances from 1.',
    });
  }
  return path.join(runRootOf(home), ref.source, ref.service, String(ref.number));
}

/** Every run folder of a home; whatever else lies there is left alone. */
export function listRunFolders(home: string): { ref: InstanceRef; folder: string }[] {
  const root = runRootOf(home);
  const found: { ref: InstanceRef; folder: string }[] = [];
  for (const source of namesIn(root).filter(isSourceName)) {
    for (const service of namesIn(path.join(root, source)).filter(isServiceName)) {
      for (const number of namesIn(path.join(root, source, service))) {
        if (!/^[1-9]\d{0,8}$/.test(number)) continue;
        found.push({ ref: { source, service, number: Number(number) }, folder: path.join(root, source, service, number) });
      }
    }
  }
  return found;
}

/** A service is gone for good: removes its run folders, but for those that something is left in. */
export function removeRunFolders(home: string, source: string, service: string): void {
  const folder = path.join(runRootOf(home), source, service);
  for (const name of namesIn(folder)) removeIfEmpty(path.join(folder, name));
  removeIfEmpty(folder);
}

/** The run folders of tasks of a home, which earlier daemons may have left. Which instance a task ran for is not on record. */
export function listTaskFolders(home: string): { ref: TaskRef; folder: string }[] {
  const root = runRootOf(home);
  const found: { ref: TaskRef; folder: string }[] = [];
  for (const source of namesIn(root).filter(isSourceName)) {
    for (const service of namesIn(path.join(root, source)).filter((name) => isServiceName(name) || name === wholeSource)) {
      for (const task of namesIn(path.join(root, source, service)).filter(isTaskName)) {
        found.push({ ref: { source, service, number: 1, task }, folder: path.join(root, source, service, task) });
      }
    }
  }
  return found;
}

function removeIfEmpty(folder: string): void {
  try {
    rmdirSync(folder);
  } catch {
    // There is something in it, or it is not there.
  }
}

function isTaskName(name: string): boolean {
  return name.length <= 200 && taskName.test(name);
}

/** Names in a folder; none where there is no folder. */
export function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === 'ENOENT' || code === 'ENOTDIR') return [];
    throw error;
  }
}

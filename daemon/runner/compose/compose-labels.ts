import { createHash } from 'node:crypto';
import { basename, dirname } from 'node:path';
import type { ComposeCommand } from '../instance-command.js';
import type { InstanceRef } from '../runner.js';
import type { TaskRef } from '../task.js';

/** By what Hive finds containers again that compose made for it. Other names than those of its own containers, whose runner looks for them, too. */
const names = { home: 'hive.compose.home', service: 'hive.compose.service', instance: 'hive.compose.instance', incarnation: 'hive.compose.incarnation', task: 'hive.compose.task' } as const;

/** By what compose itself finds them. */
export const composesOwn = { project: 'com.docker.compose.project', service: 'com.docker.compose.service' } as const;

export interface ComposeIdentity {
  readonly ref: InstanceRef;
  readonly incarnation: string;
  readonly task: string | null;
}

export function composeLabels(homeId: string, ref: InstanceRef | TaskRef, incarnation: string): Record<string, string> {
  return {
    [names.home]: homeId,
    [names.service]: `${ref.source}:${ref.service}`,
    [names.instance]: String(ref.number),
    [names.incarnation]: incarnation,
    ...(ref.task === undefined ? {} : { [names.task]: ref.task }),
  };
}

/** Whose a container is; null: not one of this home's. */
export function composeIdentity(labels: Readonly<Record<string, string>> | null | undefined, homeId: string): ComposeIdentity | null {
  if (labels?.[names.home] !== homeId) return null;
  const [, source, service] = /^([^:]+):([^:]+)$/.exec(labels[names.service] ?? '') ?? [];
  const number = Number(labels[names.instance]);
  const incarnation = labels[names.incarnation];
  if (source === undefined || service === undefined || incarnation === undefined || !Number.isSafeInteger(number) || number < 1) return null;
  return { ref: { source, service, number }, incarnation, task: labels[names.task] ?? null };
}

export function ofHome(homeId: string): string[] {
  return [`${names.home}=${homeId}`];
}

/**
 * The project of an instance. All single services of one file that a source names are in one, so that they see each other;
 * a whole file is one of its own, and so is a second instance, since compose gives a name out once.
 */
export function projectOf(homeId: string, ref: InstanceRef, { file, project, service }: Pick<ComposeCommand, 'file' | 'project' | 'service'>): string {
  const what = service === null ? ref.service : `${plain(basename(dirname(file)))}-${createHash('sha256').update(file).digest('hex').slice(0, 4)}`;
  const made = `hive-${homeId.slice(0, 6)}-${ref.source}-${what}`;
  const base = project ?? made;
  return ref.number === 1 ? base : `${base}-${ref.number}`;
}

/** What compose takes in the name of a project. */
function plain(text: string): string {
  return text.toLowerCase().replace(/[^a-z0-9_-]/g, '').replace(/^[^a-z0-9]+/, '') || 'project';
}

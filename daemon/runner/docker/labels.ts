import type { InstanceRef } from '../runner.js';
import type { TaskRef } from '../task.js';

/**
 * By what Hive finds its own containers again. `home` is the id of the home, so that two homes on one machine never adopt
 * each other's; nothing here is secret.
 */
const names = { home: 'hive.home', service: 'hive.service', instance: 'hive.instance', incarnation: 'hive.incarnation', task: 'hive.task' } as const;

export interface Identity {
  readonly ref: InstanceRef;
  readonly incarnation: string;
  /** The name of the task, where it is one. */
  readonly task: string | null;
}

/** The labels of a container; what the user's own say under Hive's names does not count. */
export function labelsOf(homeId: string, ref: InstanceRef | TaskRef, incarnation: string, own: Readonly<Record<string, string>>): Record<string, string> {
  return {
    ...own,
    [names.home]: homeId,
    [names.service]: `${ref.source}:${ref.service}`,
    [names.instance]: String(ref.number),
    [names.incarnation]: incarnation,
    ...('task' in ref ? { [names.task]: ref.task } : {}),
  };
}

/** Whose a container is; null: not one of this home's. */
export function identityIn(labels: Readonly<Record<string, string>> | null | undefined, homeId: string): Identity | null {
  if (labels?.[names.home] !== homeId) return null;
  const match = /^([^:]+):([^:]+)$/.exec(labels[names.service] ?? '');
  const number = Number(labels[names.instance]);
  const incarnation = labels[names.incarnation];
  const [, source, service] = match ?? [];
  if (source === undefined || service === undefined || incarnation === undefined || !Number.isSafeInteger(number) || number < 1) return null;
  return { ref: { source, service, number }, incarnation, task: labels[names.task] ?? null };
}

/** Filters for lists and events: all of this home's containers. */
export function ofHome(homeId: string): string[] {
  return [`${names.home}=${homeId}`];
}

/** As `ofHome`, of one instance. */
export function ofInstance(homeId: string, ref: InstanceRef): string[] {
  return [...ofHome(homeId), `${names.service}=${ref.source}:${ref.service}`, `${names.instance}=${ref.number}`];
}

/** The name of a container that its service gives none; two homes on one machine must not want the same. */
export function containerNameOf(homeId: string, ref: InstanceRef | TaskRef): string {
  const task = 'task' in ref ? `.${ref.task}` : '';
  return `hive.${ref.source}.${ref.service.replace(/^\./, '')}.${ref.number}${task}.${homeId.slice(0, 6)}`;
}

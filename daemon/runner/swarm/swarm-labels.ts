import { createHash } from 'node:crypto';
import type { SwarmCommand } from '../instance-command.js';
import type { InstanceRef } from '../runner.js';
import type { TaskRef } from '../task.js';

/**
 * By what Hive finds its services in a swarm again. Other names than those of containers: what a swarm runs on the engine
 * of this machine must not be adopted as a container of it.
 */
const names = {
  home: 'hive.swarm.home', service: 'hive.swarm.service', instance: 'hive.swarm.instance', incarnation: 'hive.swarm.incarnation', task: 'hive.swarm.task',
  ports: 'hive.swarm.ports', update: 'hive.swarm.update', stride: 'hive.swarm.stride', probed: 'hive.swarm.probed',
} as const;

export interface SwarmIdentity {
  readonly ref: InstanceRef;
  readonly incarnation: string;
  /** The name of the task, where it is one. */
  readonly task: string | null;
  /** Names of ports by `8080/tcp`. */
  readonly ports: Readonly<Record<string, string>>;
  /** The update that made it what it is. */
  readonly update: string | null;
  readonly stride: 1 | 2;
  readonly probed: boolean;
}

export function swarmLabels(homeId: string, ref: InstanceRef | TaskRef, incarnation: string, { labels, ports, upkeep }: SwarmCommand, update: string | null): Record<string, string> {
  const named = Object.fromEntries(ports.flatMap(({ name, target, protocol }) => (name === null ? [] : [[`${target}/${protocol}`, name]])));
  return {
    ...labels,
    [names.home]: homeId,
    [names.service]: `${ref.source}:${ref.service}`,
    [names.instance]: String(ref.number),
    [names.incarnation]: incarnation,
    [names.ports]: JSON.stringify(named),
    [names.stride]: String(upkeep?.stride ?? 1),
    [names.probed]: String(upkeep?.probed ?? false),
    ...(update === null ? {} : { [names.update]: update }),
    ...(ref.task === undefined ? {} : { [names.task]: ref.task }),
  };
}

/** Whose a service of the swarm is; null: not one of this home's. */
export function swarmIdentity(labels: Readonly<Record<string, string>> | null | undefined, homeId: string): SwarmIdentity | null {
  if (labels?.[names.home] !== homeId) return null;
  const [, source, service] = /^([^:]+):([^:]+)$/.exec(labels[names.service] ?? '') ?? [];
  const number = Number(labels[names.instance]);
  const incarnation = labels[names.incarnation];
  if (source === undefined || service === undefined || incarnation === undefined || !Number.isSafeInteger(number) || number < 1) return null;
  return {
    ref: { source, service, number }, incarnation,
    task: labels[names.task] ?? null,
    ports: namesIn(labels[names.ports]),
    update: labels[names.update] ?? null,
    stride: labels[names.stride] === '2' ? 2 : 1,
    probed: labels[names.probed] === 'true',
  };
}

/** What containers carry, too, so that this engine's events tell of them. */
export function ownerOf(labels: Readonly<Record<string, string>>): Record<string, string> {
  const home = labels[names.home];
  return home === undefined ? {} : { [names.home]: home };
}

/** A filter for lists of services and of their tasks: all of this home. */
export function ofHome(homeId: string): { label: string[] } {
  return { label: [`${names.home}=${homeId}`] };
}

/** The name of an instance's service: a swarm gives a name out once, which makes a launch atomic. At most 63 characters. */
export function swarmName(homeId: string, ref: InstanceRef | TaskRef): string {
  const said = `${ref.source}-${ref.service.replace(/[^a-z0-9_-]/g, '')}-${ref.number}${ref.task === undefined ? '' : `-${ref.task.replace(/[^a-z0-9_-]/g, '-')}`}`;
  const hash = createHash('sha256').update(`${homeId} ${ref.source}:${ref.service}#${ref.number} ${ref.task ?? ''}`).digest('hex').slice(0, 8);
  return `hive-${said.slice(0, 49)}-${hash}`;
}

function namesIn(text: string | undefined): Record<string, string> {
  try {
    const read = JSON.parse(text ?? '{}') as unknown;
    return typeof read === 'object' && read !== null ? (read as Record<string, string>) : {};
  } catch {
    return {};
  }
}

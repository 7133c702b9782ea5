import { setTimeout as pause } from 'node:timers/promises';
import { HiveError } from '../../../shared/errors/index.js';
import type { SwarmCommand } from '../instance-command.js';
import { instanceKey, type InstanceRef, type LaunchRequest, type ReplicaUpdate } from '../runner.js';
import type { TaskRef } from '../task.js';
import { observeService } from './observe-service.js';
import { serviceSpecOf } from './service-spec-of.js';
import type { SwarmApi } from './swarm-api.js';
import { swarmIdentity, swarmLabels, swarmName, type SwarmIdentity } from './swarm-labels.js';
import { hasEnded, type SwarmTask } from './swarm-shapes.js';

export type Ordered = Pick<LaunchRequest<SwarmCommand>, 'incarnation' | 'command' | 'environment' | 'limits' | 'replicas' | 'onProgress' | 'stillWanted'> & { readonly ref: InstanceRef | TaskRef };

const lookEveryMs = 150;
const noUpdate = { maxSurge: 1, maxUnavailable: 0, onFailure: 'keep-old' } as const;

/** Makes services of a swarm, and takes away those that failed. */
export class ServiceLauncher {
  /** Names of services that are being made. */
  private readonly underWay = new Set<string>();
  /** Ids of services that nobody wants, and that could not be removed yet. */
  private readonly left = new Set<string>();

  constructor(private readonly api: SwarmApi, private readonly homeId: string) {}

  isUnderWay(name: string): boolean {
    return this.underWay.has(name);
  }

  /** @throws HiveError CONFLICT, SPAWN_FAILED, ENGINE_UNAVAILABLE */
  async create(request: Ordered): Promise<{ id: string; name: string; identity: SwarmIdentity; createdAt: Date }> {
    const name = swarmName(this.homeId, request.ref);
    if (this.underWay.has(name)) throw new HiveError('CONFLICT', `${instanceKey(request.ref)} is being started already.`, { data: { state: 'starting' } });
    this.underWay.add(name);
    try {
      const { spec, labels } = await this.specOf(request, { forced: 0, update: null });
      const id = await this.api.create(spec, request.command.image);
      return { id, name, identity: swarmIdentity(labels, this.homeId) as SwarmIdentity, createdAt: new Date() };
    } catch (error) {
      this.underWay.delete(name);
      throw error;
    }
  }

  /** Who asked for it has seen to it that it is known, or gone. */
  done(name: string): void {
    this.underWay.delete(name);
  }

  async specOf(request: Ordered, { forced, update }: { forced: number; update: ReplicaUpdate | null }): Promise<{ spec: Record<string, unknown>; labels: Record<string, string> }> {
    const { ref, incarnation, command, environment, limits = {}, replicas = 1 } = request;
    const labels = swarmLabels(this.homeId, ref, incarnation, command, update?.id ?? null);
    const secrets = await this.api.secrets(command.secrets);
    return { labels, spec: serviceSpecOf(command, { name: swarmName(this.homeId, ref), labels, environment, limits, replicas, secrets, forced, update: update ?? noUpdate }) };
  }

  /**
   * Resolves once a task of the service runs, or has run. @throws HiveError IMAGE_NOT_FOUND, SPAWN_FAILED when nodes refuse
   * it, or nobody wants it any more
   */
  async untilItRuns(id: string, identity: SwarmIdentity, { ref, command, replicas = 1, onProgress, stillWanted }: Ordered): Promise<void> {
    let told = '';
    for (;;) {
      const [service, tasks, nodes] = await Promise.all([this.api.inspect(id), this.api.tasksOf(id), this.api.nodes()]);
      if (service === null) throw new HiveError('SPAWN_FAILED', `The service of ${instanceKey(ref)} was removed from the swarm by somebody else.`);
      if (replicas === 0 || tasks.some(hasRun)) return;
      if (stillWanted?.() === false) throw new HiveError('SPAWN_FAILED', `The start of ${instanceKey(ref)} was called off.`);
      refuse(tasks, command.image);
      const waiting = observeService(service, identity, tasks, nodes, []).replicas.present[0];
      const sentence = `its swarm has not started it yet${waiting === undefined ? '' : `: ${waiting.why ?? ''}${waiting.node === null ? '' : ` on ${waiting.node}`}`}`;
      if (sentence !== told) onProgress?.(sentence);
      told = sentence;
      await pause(lookEveryMs);
    }
  }

  removeLater(id: string): void {
    this.left.add(id);
  }

  async removeLeft(): Promise<void> {
    for (const id of this.left) {
      this.left.delete(id);
      await this.api.remove(id).catch(() => this.left.add(id));
    }
  }
}

function hasRun({ Status: { State: state, ContainerStatus: container } }: SwarmTask): boolean {
  return state === 'running' || state === 'complete' || (state === 'failed' && container?.ContainerID !== undefined && container.ContainerID !== '');
}

/** What every node would refuse is not tried for ever. */
function refuse(tasks: readonly SwarmTask[], image: string): void {
  const refused = tasks.filter((task) => task.Status.State === 'rejected');
  const said = (refused[0]?.Status.Err ?? '').replace(/\.$/, '');
  if (refused.length === 0 || tasks.some((task) => !hasEnded(task) && task.Status.State !== 'ready' && task.Status.State !== 'pending' && task.DesiredState === 'running')) return;
  if (/no such image|not found|access denied|unauthorized|manifest unknown/i.test(said)) {
    throw new HiveError('IMAGE_NOT_FOUND', `The image ${image} cannot be had by the nodes of the swarm: ${said}.`, { next: 'Push it to a registry that every node reaches, or load it into each of them.' });
  }
  if (refused.length > 1) throw new HiveError('SPAWN_FAILED', `The nodes of the swarm refuse it: ${said}.`);
}

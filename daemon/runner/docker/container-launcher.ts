import { HiveError } from '../../../shared/errors/index.js';
import type { LimitsSpec } from '../../../shared/config/service-spec.js';
import type { ContainerCommand } from '../instance-command.js';
import { instanceKey, type InstanceRef } from '../runner.js';
import type { TaskRef } from '../task.js';
import { containerOptions } from './container-options.js';
import type { EngineConnection } from './engine-connection.js';
import { portTaken, saidBy, statusOf } from './engine-error.js';
import type { Flavour } from './flavour.js';
import { containerNameOf, identityIn, labelsOf } from './labels.js';
import { ensureNetwork } from './networks.js';
import { ensureImage } from './pull-image.js';

export interface ContainerRequest {
  readonly ref: InstanceRef | TaskRef;
  readonly incarnation: string;
  readonly command: ContainerCommand;
  readonly environment: Readonly<Record<string, string>>;
  readonly limits?: Partial<LimitsSpec>;
  readonly onProgress?: (sentence: string) => void;
  readonly stillWanted?: () => boolean;
}

const createTimeoutMs = 60_000;

/** Makes and starts containers: image, network, container. What an engine refuses becomes an error that says why. */
export class ContainerLauncher {
  private readonly underWay = new Set<string>();

  constructor(
    private readonly connection: EngineConnection,
    private readonly flavour: Flavour,
    private readonly homeId: string,
  ) {}

  /** Claims the instance for one launch; false: another one is under way. */
  begin(ref: InstanceRef): boolean {
    if (this.underWay.has(instanceKey(ref))) return false;
    this.underWay.add(instanceKey(ref));
    return true;
  }

  done(ref: InstanceRef): void {
    this.underWay.delete(instanceKey(ref));
  }

  isUnderWay(ref: InstanceRef): boolean {
    return this.underWay.has(instanceKey(ref));
  }

  /** Nothing is being launched. */
  get idle(): boolean {
    return this.underWay.size === 0;
  }

  /** A container that is there and does not run yet. @throws HiveError IMAGE_NOT_FOUND, CONFLICT, SPAWN_FAILED, ENGINE_UNAVAILABLE */
  async create(request: ContainerRequest): Promise<{ id: string; name: string }> {
    const { ref, incarnation, command, environment, limits = {}, onProgress, stillWanted } = request;
    const name = this.nameOf(ref, command);
    try {
      await ensureImage(this.connection, command.image, { policy: command.pull, flavour: this.flavour, onProgress, stillWanted });
      if (command.network !== null) await ensureNetwork(this.connection, command.network, this.homeId);
      if (stillWanted?.() === false) throw new HiveError('SPAWN_FAILED', `The start of ${instanceKey(ref)} was called off.`);
      const options = containerOptions(command, { name, environment, limits, flavour: this.flavour, labels: labelsOf(this.homeId, ref, incarnation, command.labels) });
      const { id } = await this.connection.call((engine) => engine.createContainer(options), createTimeoutMs);
      return { id, name };
    } catch (error) {
      throw await this.explained(error, ref, name);
    }
  }

  /** @throws HiveError CONFLICT (a port), SPAWN_FAILED, ENGINE_UNAVAILABLE */
  async start(container: string, { ref }: Pick<ContainerRequest, 'ref'>): Promise<void> {
    try {
      await this.connection.call((engine) => engine.getContainer(container).start() as Promise<unknown>, createTimeoutMs);
    } catch (error) {
      throw await this.explained(error, ref, '');
    }
  }

  private nameOf(ref: InstanceRef | TaskRef, { containerName }: ContainerCommand): string {
    if (containerName === null || 'task' in ref) return containerNameOf(this.homeId, ref);
    // Two instances cannot have one name: only the first has it as it is.
    return ref.number === 1 ? containerName : `${containerName}-${ref.number}`;
  }

  private async explained(error: unknown, ref: InstanceRef, name: string): Promise<HiveError> {
    if (error instanceof HiveError) return error;
    const said = saidBy(error);
    if (name !== '' && (statusOf(error) === 409 || /already in use/.test(said)) && /name/i.test(said)) return this.nameTaken(name, ref);
    const port = portTaken(said);
    if (port !== null) {
      return new HiveError('CONFLICT', `${instanceKey(ref)} cannot be started: its port ${port} is taken by something else.`, { next: `ss -ltnp 'sport = :${port}' shows by what.`, data: { port: Number(port) } });
    }
    return new HiveError('SPAWN_FAILED', `${instanceKey(ref)} could not be started: ${said}.`, { cause: error });
  }

  private async nameTaken(name: string, ref: InstanceRef): Promise<HiveError> {
    const other = await this.connection.call((engine) => engine.getContainer(name).inspect()).catch(() => null);
    const owner = identityIn(other?.Config.Labels, this.homeId);
    const whose = owner === null ? 'which is not Hive\'s' : `which is ${instanceKey(owner.ref)}`;
    const which = other === null ? 'another container' : `container ${other.Id.slice(0, 12)} (image ${other.Config.Image}), ${whose}`;
    return new HiveError('CONFLICT', `${instanceKey(ref)} cannot be started: the container name "${name}" is taken by ${which}.`, {
      next: `Remove that one (${this.flavour.name} rm ${name}), or give the service another container_name.`, data: { name },
    });
  }
}

import type Docker from 'dockerode';
import { HiveError } from '../../../shared/errors/index.js';
import type { EngineConnection } from '../docker/engine-connection.js';
import { saidBy, statusOf } from '../docker/engine-error.js';
import { flavours } from '../docker/flavour.js';
import { credentialsFor } from '../docker/registry-credentials.js';
import { ofHome } from './swarm-labels.js';
import { SwarmNodes } from './swarm-nodes.js';
import { secretName } from './service-spec-of.js';
import type { SwarmNode, SwarmService, SwarmTask } from './swarm-shapes.js';

/** The library's types leave the credentials out; among the other options they would be sent as part of the service. */
interface Updatable {
  update(auth: object | undefined, service: object): Promise<unknown>;
}

/** One look at all of this home's services in a swarm. */
export interface SwarmLook {
  readonly services: readonly SwarmService[];
  readonly tasks: readonly SwarmTask[];
  readonly nodes: SwarmNodes;
}

/** The calls that Hive makes to a swarm, through one of its managers. They throw as `EngineConnection.call` does. */
export class SwarmApi {
  constructor(private readonly connection: EngineConnection, private readonly homeId: string) {}

  async look(): Promise<SwarmLook> {
    const filters = JSON.stringify(ofHome(this.homeId));
    const [services, tasks, nodes] = await this.connection.call((engine) => Promise.all([
      engine.listServices({ filters } as object) as Promise<unknown> as Promise<SwarmService[]>,
      engine.listTasks({ filters }) as Promise<SwarmTask[]>,
      engine.listNodes() as Promise<SwarmNode[]>,
    ]));
    return { services, tasks, nodes: new SwarmNodes(nodes) };
  }

  /** Null: there is none any more. */
  async inspect(id: string): Promise<SwarmService | null> {
    try {
      return (await this.connection.call((engine) => engine.getService(id).inspect() as Promise<unknown>)) as SwarmService;
    } catch (error) {
      if (statusOf(error) === 404) return null;
      throw error;
    }
  }

  async tasksOf(id: string): Promise<SwarmTask[]> {
    return (await this.connection.call((engine) => engine.listTasks({ filters: JSON.stringify({ service: [id] }) }))) as SwarmTask[];
  }

  async nodes(): Promise<SwarmNodes> {
    return new SwarmNodes((await this.connection.call((engine) => engine.listNodes())) as SwarmNode[]);
  }

  /** Answers its id. @throws HiveError CONFLICT (a service of that name is there), SPAWN_FAILED */
  async create(spec: Record<string, unknown>, image: string): Promise<string> {
    const auth = await credentialsFor(image, flavours.docker, process.env);
    try {
      const made = await this.connection.call((engine) => (auth === null
        ? engine.createService(spec as Docker.CreateServiceOptions)
        : engine.createService(auth as Docker.AuthConfig, spec as Docker.ServiceSpec)));
      return (made as unknown as { id?: string; ID?: string }).id ?? (made as unknown as { ID: string }).ID;
    } catch (error) {
      if (statusOf(error) === null) throw error;
      const said = saidBy(error);
      if (statusOf(error) === 409) throw new HiveError('CONFLICT', `The swarm has a service ${String(spec['Name'])} already.`, { next: `See \`docker service inspect ${String(spec['Name'])}\`.`, data: { state: 'living' } });
      throw new HiveError('SPAWN_FAILED', `The swarm refused the service: ${said.replace(/^rpc error: code = \w+ desc = /, '')}.`, { next: 'Check what its runner asks for: networks, constraints, volumes, secrets.' });
    }
  }

  /** Tries again when somebody else changed it in between. */
  async change(id: string, change: (service: SwarmService) => Record<string, unknown>, image?: string): Promise<void> {
    const auth = image === undefined ? null : await credentialsFor(image, flavours.docker, process.env);
    for (let tries = 0; ; tries += 1) {
      const service = await this.inspect(id);
      if (service === null) throw new HiveError('NOT_FOUND', `The swarm has no service ${id} any more.`);
      try {
        const wanted = { ...change(service), version: service.Version.Index };
        await this.connection.call((engine) => (engine.getService(id) as unknown as Updatable).update(auth ?? undefined, wanted));
        return;
      } catch (error) {
        if (tries < 5 && /update out of sequence/.test(saidBy(error))) continue;
        throw statusOf(error) === null ? error : new HiveError('SPAWN_FAILED', `The swarm refused the change: ${saidBy(error).replace(/^rpc error: code = \w+ desc = /, '')}.`);
      }
    }
  }

  async remove(id: string): Promise<void> {
    try {
      await this.connection.call((engine) => engine.getService(id).remove() as Promise<unknown>);
    } catch (error) {
      if (statusOf(error) !== 404) throw error;
    }
  }

  /** The ids of secrets by name. @throws HiveError SPAWN_FAILED when the swarm has no such secret */
  async secrets(texts: readonly string[]): Promise<Record<string, string>> {
    if (texts.length === 0) return {};
    const there = await this.connection.call((engine) => engine.listSecrets());
    const ids = Object.fromEntries(there.map((secret) => [secret.Spec?.Name ?? '', secret.ID]));
    const missing = texts.map(secretName).find((name) => ids[name] === undefined);
    if (missing !== undefined) throw new HiveError('SPAWN_FAILED', `The swarm has no secret ${missing}.`, { next: `Make it: docker secret create ${missing} -` });
    return ids;
  }

  /** The node that this engine is. @throws what the engine says when it is no manager of a swarm */
  async ownNode(): Promise<string> {
    const { Swarm: swarm } = (await this.connection.call((engine) => engine.info() as Promise<unknown>)) as { Swarm?: { NodeID?: string; ControlAvailable?: boolean; LocalNodeState?: string } };
    if (swarm?.ControlAvailable === true) return swarm.NodeID ?? '';
    throw new NoManager(swarm?.LocalNodeState ?? 'inactive');
  }
}

/** The engine answers, but does not speak for a swarm. `state`: `inactive`, `active` (a worker), `pending`, `locked`, `error`. */
export class NoManager extends Error {
  constructor(readonly state: string) {
    super(`no manager: ${state}`);
  }
}

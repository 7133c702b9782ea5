import type { LogStore } from '../logs/log-store.js';
import type { InstanceCommand } from './instance-command.js';
import type { EngineRef, EngineRunner } from './runner.js';

/** What every engine runner needs of the daemon. */
export interface EngineTools {
  /** `$HIVE_HOME`, absolute. */
  readonly home: string;
  /** Names this home in labels, so that two homes never adopt each other's; see `homeId`. */
  readonly homeId: string;
  readonly logs: LogStore;
  readonly warn: (sentence: string) => void;
}

/** Makes the runner of an engine. Modules that cost are loaded here and not before. */
export async function openEngine(engine: EngineRef, tools: EngineTools): Promise<EngineRunner<InstanceCommand>> {
  const { type, socket } = engine;
  if (type === 'docker' || type === 'podman') {
    const { ContainerRunner } = await import('./docker/container-runner.js');
    return new ContainerRunner({ type, socket }, tools);
  }
  if (type === 'swarm') {
    const { SwarmRunner } = await import('./swarm/swarm-runner.js');
    return new SwarmRunner({ type, socket }, tools);
  }
  const { ComposeRunner } = await import('./compose/compose-runner.js');
  return new ComposeRunner({ type, socket }, tools);
}

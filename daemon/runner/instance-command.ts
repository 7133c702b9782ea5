import type { ComposeRunnerSpec, ContainerRunnerSpec, PullPolicy, RestartSpec } from '../../shared/config/service-spec.js';
import type { ScriptCommand } from './script/script-command.js';
import type { EngineRef } from './runner.js';

/** What an instance is started with, by runner: its spec with every template filled in. */
export type InstanceCommand = ({ readonly type: 'script' } & ScriptCommand) | ContainerCommand | ComposeCommand | SwarmCommand;

export interface ContainerCommand {
  readonly type: 'docker' | 'podman';
  readonly engine: EngineRef;
  readonly image: string;
  /** Instead of the image's; split into words already. */
  readonly command: readonly string[] | null;
  readonly entrypoint: readonly string[] | null;
  readonly ports: readonly PublishedPort[];
  /** `source:target[:options]`, sources absolute or names of volumes. */
  readonly volumes: readonly string[];
  /** Null: Hive makes a name. */
  readonly containerName: string | null;
  readonly network: string | null;
  readonly user: string | null;
  readonly pull: PullPolicy;
  readonly security: ContainerRunnerSpec['security'];
  readonly labels: Readonly<Record<string, string>>;
  /** What the engine itself sends to the main process when it stops the container. */
  readonly stopSignal: NodeJS.Signals;
}

/** One port of a container that the host publishes. */
export interface PublishedPort {
  /** Null: every address of the host. */
  readonly hostAddress: string | null;
  readonly hostPort: number;
  readonly containerPort: number;
  readonly protocol: 'tcp' | 'udp' | 'sctp';
}

export interface ComposeCommand {
  readonly type: 'compose';
  readonly engine: EngineRef;
  readonly file: ComposeRunnerSpec['file'];
  readonly service: ComposeRunnerSpec['service'];
  /** Null: Hive makes a name. */
  readonly project: string | null;
  readonly command: readonly string[] | null;
  readonly stopSignal: NodeJS.Signals;
}

export interface SwarmCommand {
  readonly type: 'swarm';
  readonly engine: EngineRef;
  readonly image: string;
  readonly command: readonly string[] | null;
  readonly ports: readonly SwarmPort[];
  readonly volumes: readonly string[];
  readonly constraints: readonly string[];
  readonly networks: readonly string[];
  /** `name` or `name:/path`. */
  readonly secrets: readonly string[];
  readonly labels: Readonly<Record<string, string>>;
  readonly user: string | null;
  readonly stopSignal: NodeJS.Signals;
  /** What the swarm sees to by itself; null for a task, which ends. */
  readonly upkeep: SwarmUpkeep | null;
}

export interface SwarmPort {
  /** As the service calls it; null: it has no name for it. */
  readonly name: string | null;
  /** The port that a node publishes; null: each node takes any that is free, so that several tasks can be on one. */
  readonly published: number | null;
  readonly target: number;
  readonly protocol: PublishedPort['protocol'];
}

export interface SwarmUpkeep {
  readonly restart: RestartSpec;
  readonly graceMs: number;
  /** The service's checks by command, as one; the swarm makes it in the container. */
  readonly check: { readonly command: string; readonly intervalMs: number; readonly timeoutMs: number; readonly retries: number; readonly startPeriodMs: number } | null;
  /** Hive makes checks of its own, by http or tcp. */
  readonly probed: boolean;
  /** Replicas have the numbers of a colour in blue-green: every second one. */
  readonly stride: 1 | 2;
}

/** What of the answers of Docker's API on swarms Hive reads. */
export interface SwarmService {
  readonly ID: string;
  readonly Version: { readonly Index: number };
  readonly CreatedAt: string;
  readonly Spec: {
    readonly Name: string;
    readonly Labels?: Readonly<Record<string, string>>;
    readonly TaskTemplate: {
      readonly ForceUpdate?: number;
      readonly RestartPolicy?: { readonly Condition?: string; readonly MaxAttempts?: number };
      readonly ContainerSpec?: { readonly Healthcheck?: { readonly Test?: readonly string[] } | null };
    };
    readonly Mode: { readonly Replicated?: { readonly Replicas: number } };
  };
  readonly UpdateStatus?: { readonly State?: string; readonly Message?: string };
}

export interface SwarmTask {
  readonly ID: string;
  readonly CreatedAt: string;
  readonly ServiceID: string;
  readonly Slot?: number;
  readonly NodeID?: string;
  readonly DesiredState: string;
  readonly Spec: { readonly ForceUpdate?: number };
  readonly Status: {
    readonly Timestamp: string;
    readonly State: string;
    readonly Message?: string;
    readonly Err?: string;
    readonly ContainerStatus?: { readonly ContainerID?: string; readonly ExitCode?: number };
    readonly PortStatus?: { readonly Ports?: readonly { readonly TargetPort: number; readonly PublishedPort: number; readonly Protocol: string }[] };
  };
}

export interface SwarmNode {
  readonly ID: string;
  readonly Spec: { readonly Availability: string };
  readonly Description: { readonly Hostname: string };
  readonly Status: { readonly State: string; readonly Addr?: string };
  readonly ManagerStatus?: { readonly Addr?: string };
}

/** A task in one of these has ended, and stays what it is. */
const terminal: ReadonlySet<string> = new Set(['complete', 'shutdown', 'failed', 'rejected', 'remove', 'orphaned']);

export function hasEnded(task: SwarmTask): boolean {
  return terminal.has(task.Status.State);
}

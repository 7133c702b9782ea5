import type { HostPort, RolloutSpec } from './service-spec.js';

export interface NamedHostPort {
  readonly name: string;
  readonly host: HostPort;
  /** Null where the rollout knows no colours. */
  readonly colour: 'blue' | 'green' | null;
}

/** The ports that a rollout declares, one row for each colour. */
export function hostPortsOf(rollout: RolloutSpec): NamedHostPort[] {
  if (rollout.type !== 'blue-green') return Object.entries(rollout.ports).map(([name, host]) => ({ name, host, colour: null }));
  return Object.entries(rollout.ports).flatMap(([name, { blue, green }]): NamedHostPort[] => [
    { name, host: blue, colour: 'blue' },
    { name, host: green, colour: 'green' },
  ]);
}

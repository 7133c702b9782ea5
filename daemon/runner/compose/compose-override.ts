import { flavours } from '../docker/flavour.js';

export interface OverrideFacts {
  /** The services that are started. */
  readonly services: readonly string[];
  readonly labels: Readonly<Record<string, string>>;
  /** Only what one service alone is given; null: the services get what their file says. */
  readonly only: { readonly environment: Readonly<Record<string, string>>; readonly stopSignal: NodeJS.Signals } | null;
}

/**
 * What Hive lays over a compose file, as a second one: labels, that it is Hive who restarts, how logs are kept, and for one
 * service its environment. JSON, which is YAML; compose fills in `$` there as everywhere.
 */
export function composeOverride({ services, labels, only }: OverrideFacts): string {
  const service = {
    labels,
    restart: 'no',
    logging: { driver: flavours.docker.logDriver.Type, options: flavours.docker.logDriver.Config },
    ...(only === null ? {} : { environment: only.environment, stop_signal: only.stopSignal }),
  };
  return JSON.stringify({ services: Object.fromEntries(services.map((name) => [name, service])) }, (_key, value: unknown) => (typeof value === 'string' ? value.replaceAll('$', '$$$$') : value));
}

import type { Status } from '../../../shared/protocol/results.js';
import type { Result } from '../../../shared/protocol/methods.js';
import type { Handlers } from '../dispatch.js';

type DaemonMethods = Extract<keyof Handlers, `daemon.${string}` | `config.${string}` | 'exposed.list'>;

export interface DaemonFacts {
  status(): Status;
  /** Begins the shutdown; the answer is sent before the connection ends. */
  shutdown(how: { graceful: boolean; keepServices: boolean; by: string }): void;
  validate(path: string): Promise<Awaited<ReturnType<Handlers['config.validate']>>>;
  schema(): Record<string, unknown>;
  exposed(): Result<'exposed.list'>['exposed'];
}

export function daemonHandlers(daemon: DaemonFacts): Pick<Handlers, DaemonMethods> {
  return {
    'daemon.ping': () => ({ time: new Date().toISOString() }),
    'daemon.status': () => daemon.status(),
    'daemon.shutdown': ({ graceful = true, keepServices = false }, { session }) => {
      daemon.shutdown({ graceful, keepServices, by: session.by });
      return {};
    },
    'config.validate': ({ path }) => daemon.validate(path),
    'config.schema': () => daemon.schema(),
    'exposed.list': () => ({ exposed: daemon.exposed() }),
  };
}

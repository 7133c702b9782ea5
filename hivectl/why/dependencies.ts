import type { Result } from '../../shared/protocol/methods.js';
import type { Service } from '../../shared/protocol/results.js';

/** The names in `depends_on`, as a list or by name, of a configuration as it was written. */
export function dependencyNames(config: unknown): string[] {
  const written = typeof config === 'object' && config !== null && 'depends_on' in config ? config.depends_on : undefined;
  if (Array.isArray(written)) return written.filter((name) => typeof name === 'string');
  return typeof written === 'object' && written !== null ? Object.keys(written) : [];
}

/** The services out of `all` that `service` depends on and that are not up and well. */
export function unmetDependencies(service: Service, config: unknown, all: readonly Service[]): Service[] {
  const names = new Set(dependencyNames(config).map((name) => `${service.source}:${name}`));
  return all.filter(({ fqn, state, healthy }) => names.has(fqn) && !(state === 'completed' || (state === 'running' && healthy !== false)));
}

/** The services out of `all` that `service` uses (`exposed` says who does) and that do not run well. */
export function unmetProviders(service: Service, exposed: Result<'exposed.list'>['exposed'], all: readonly Service[]): Service[] {
  const names = new Set(exposed.filter(({ consumers }) => consumers.includes(service.fqn)).map((each) => each.service));
  return all.filter(({ fqn, state, healthy }) => names.has(fqn) && !(state === 'running' && healthy !== false));
}

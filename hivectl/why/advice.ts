import type { Service } from '../../shared/protocol/results.js';

/** What to do next about a service in this state; null when nothing has to be done. */
export function adviceFor(service: Service, unmet: readonly Service[]): string | null {
  const { fqn, state } = service;
  const [first] = unmet;
  switch (state) {
    case 'running':
      if (first !== undefined) return `hivectl why ${first.fqn} tells what is wrong with it.`;
      return service.healthy === false ? `hivectl logs ${fqn} shows what it says about itself.` : null;
    case 'failed':
      if (first !== undefined) return `hivectl why ${first.fqn} tells what holds it up; then hivectl start ${fqn}.`;
      return `hivectl logs ${fqn} shows what it wrote; once that is mended, hivectl start ${fqn}.`;
    case 'backoff':
      return `hivectl logs ${fqn} shows what it wrote; hivectl restart ${fqn} does not wait for the next attempt.`;
    case 'waiting':
      return first === undefined ? null : `hivectl why ${first.fqn} tells what holds it up.`;
    case 'stopped':
      return service.wanted === 'down' ? `hivectl start ${fqn} starts it.` : null;
    case 'building':
    case 'starting':
    case 'stopping':
    case 'completed':
      return null;
  }
}

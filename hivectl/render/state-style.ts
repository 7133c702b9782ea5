import type { Plugin, ServiceState } from '../../shared/protocol/results.js';
import type { Style } from '../terminal.js';

/** The colour of a state: green runs, yellow is on its way, red needs somebody. */
export function stateStyle(state: ServiceState, healthy: boolean | null): Style {
  switch (state) {
    case 'running':
      return healthy === false ? 'red' : 'green';
    case 'completed':
      return 'green';
    case 'waiting':
    case 'building':
    case 'starting':
    case 'stopping':
      return 'yellow';
    case 'backoff':
    case 'failed':
      return 'red';
    case 'stopped':
      return 'dim';
  }
}

export function pluginStateStyle(state: Plugin['state']): Style {
  switch (state) {
    case 'ready':
      return 'green';
    case 'starting':
      return 'yellow';
    case 'unresponsive':
    case 'backoff':
    case 'quarantined':
    case 'failed':
      return 'red';
    case 'disabled':
    case 'stopped':
      return 'dim';
  }
}

/** `healthy`, `unhealthy`, or nothing where there is no check or no verdict. */
export function healthWord(healthy: boolean | null): string {
  if (healthy === null) return '';
  return healthy ? 'healthy' : 'unhealthy';
}

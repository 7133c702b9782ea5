import type { LinkState } from './signaling-link.js';

/** How the link stands, for `hivectl plugin list`. */
export function linkSentence(state: LinkState, url: string, hiveId: string): string {
  switch (state.is) {
    case 'connecting': return `Connecting to ${url}.`;
    case 'registering': return `Connected to ${url}; registering as ${hiveId}.`;
    case 'registered': return `Registered at ${url} as ${hiveId}${url.startsWith('ws:') ? ', without encryption' : ''}.`;
    case 'waiting': return `Not connected to ${url}: ${state.reason}. It is tried again within ${Math.max(1, Math.ceil(state.delayMs / 1_000))} s.`;
  }
}

/** The same for programs. */
export function linkFacts(state: LinkState): object {
  switch (state.is) {
    case 'connecting':
    case 'registering': return { state: state.is };
    case 'registered': return { state: state.is, since: state.since.toISOString() };
    case 'waiting': return { state: state.is, reason: state.reason, retryInMs: state.delayMs };
  }
}

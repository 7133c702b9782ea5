import type { Status } from '../../shared/protocol/results.js';
import type { Paint } from '../terminal.js';
import { humanDuration } from './measures.js';
import { count } from './text.js';

/** What the daemon is and looks after. */
export function renderDaemonStatus(status: Status, ownVersion: string, paint: Paint): string[] {
  const { services, plugins } = status;
  const states = Object.entries(services.byState).filter(([, number]) => number > 0);
  const lines = [
    `${paint('bold', `hived ${status.version}`)} runs as pid ${status.pid} since ${humanDuration(status.uptimeMs)}, with ${status.home} as its home.`,
    `  services: ${services.running} of ${services.total} running${states.length === 0 ? '' : ` (${states.map(([state, number]) => `${number} ${state}`).join(', ')})`}`,
    `  sources:  ${status.sources}`,
    `  plugins:  ${plugins.ready} of ${count(plugins.total, 'plugin')} ready`,
    `  journal:  ${count(status.journal.seq, 'event')}`,
  ];
  if (status.proxy.length > 0) lines.push(`  proxy:    ${status.proxy.join(' ')}`);
  if (status.version !== ownVersion) lines.push(`This hivectl has version ${ownVersion}: \`hivectl daemon restart --keep-services\` brings the daemon to it.`);
  return lines;
}

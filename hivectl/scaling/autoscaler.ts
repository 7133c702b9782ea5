import type { DaemonClient } from '../../shared/client/daemon-client.js';
import type { Plugin, Service } from '../../shared/protocol/results.js';

/** The plugin that follows `scale`. The daemon knows no plugin by name; a person who asks why nothing is scaled has to be told which. */
const autoscaler = 'autoscaler';
const answerMs = 2_000;

export function resumeCommand(fqn: string): string {
  return `hivectl plugin call ${autoscaler} resume ${fqn}`;
}

/** Services that say `scale` while nothing acts on it; null when all is well. */
export function scalingTrouble(services: readonly Service[], plugins: readonly Plugin[]): { what: string; mend: string } | null {
  const scaled = services.filter(({ scale, wanted }) => scale !== undefined && wanted === 'up');
  const [first] = scaled;
  const plugin = plugins.find(({ id }) => id === autoscaler);
  // No trouble yet: one that just starts, or a daemon that has just started and has not looked for plugins yet.
  if (first === undefined || plugins.length === 0 || plugin?.state === 'ready' || plugin?.state === 'starting') return null;
  const whose = scaled.length === 1 ? first.fqn : `${scaled.length} services, such as ${first.fqn},`;
  const state = plugin === undefined ? 'not there' : plugin.state;
  const reason = plugin === undefined || plugin.reason === '' ? '' : `: ${plugin.reason.replace(/\.$/, '')}`;
  return {
    what: `Nothing scales ${whose}: the ${autoscaler} is ${state}${reason}.`,
    mend: plugin?.state === 'disabled' ? `hivectl plugin enable ${autoscaler}` : `hivectl plugin logs ${autoscaler}; hivectl plugin restart ${autoscaler}`,
  };
}

/** What the autoscaler does about a service, as one sentence; null when it has nothing to do with it. Never fails. */
export async function scalingVerdict(client: DaemonClient, service: Service): Promise<string | null> {
  const { scale, fqn } = service;
  if (scale === undefined) return null;
  const deadline = { deadlineMs: answerMs };
  try {
    const trouble = scalingTrouble([service], (await client.listPlugins({}, deadline)).plugins);
    if (trouble !== null) return trouble.what;
    const { verdict } = (await client.callPlugin({ plugin: autoscaler, method: 'explain', params: fqn }, deadline)) as { verdict?: unknown };
    return typeof verdict === 'string' ? verdict : null;
  } catch {
    return null;
  }
}

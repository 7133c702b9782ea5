import { createServer } from 'node:net';
import type { DaemonClient } from '../../shared/client/daemon-client.js';
import { toHiveError } from '../../shared/errors/hive-error.js';
import type { Service } from '../../shared/protocol/results.js';
import { describeHolder, portHolders, type PortHolder } from '../../shared/process/port-holders.js';
import type { Context } from '../context.js';
import { scalingTrouble } from '../scaling/autoscaler.js';
import { ownVersion } from '../version.js';
import { error, fine, note, warning, type Finding } from './finding.js';

/** The daemon and what it says about sources, services, ports and plugins. `services` is empty without a daemon. */
export async function checkDaemon(context: Context): Promise<{ findings: Finding[]; services: Service[] }> {
  let client: DaemonClient;
  try {
    client = await context.client();
  } catch (thrown) {
    const { code, message, next } = toHiveError(thrown);
    if (code === 'DAEMON_UNREACHABLE') return { findings: [note('No daemon is running.', 'hivectl daemon start')], services: [] };
    return { findings: [error(message, next ?? 'hivectl daemon start --foreground')], services: [] };
  }
  const deadline = { deadlineMs: 5000 };
  const [status, { services }, { sources }, { plugins }] = await Promise.all([
    client.status({}, deadline), client.listServices({}, deadline), client.listSources({}, deadline), client.listPlugins({}, deadline),
  ]);
  const findings = [checkVersion(status.version, ownVersion(), status.pid)];
  for (const { name, status, problems } of sources) {
    if (status === 'error') findings.push(error(`Source ${name} cannot be loaded: ${problems[0]?.message ?? 'no reason given'}`, 'hivectl source list'));
  }
  findings.push(...services.flatMap(checkService), ...(await checkPorts(services)));
  for (const { id, state, reason } of plugins) {
    if (state === 'quarantined' || state === 'failed') findings.push(error(`Plugin ${id} is ${state}: ${reason}`, `hivectl plugin logs ${id}; hivectl plugin restart ${id}`));
    if (state === 'unresponsive') findings.push(warning(`Plugin ${id} does not answer.`, `hivectl plugin restart ${id}`));
  }
  const scaling = scalingTrouble(services, plugins);
  if (scaling !== null) findings.push(warning(scaling.what, scaling.mend));
  return { findings, services };
}

export function checkVersion(daemon: string, own: string, pid: number): Finding {
  if (daemon === own) return fine(`hived ${daemon} runs as pid ${pid}`);
  return warning(`The daemon has version ${daemon}, this hivectl ${own}.`, 'hivectl daemon restart --keep-services');
}

export function checkService({ fqn, state, healthy, reason }: Service): Finding[] {
  if (state === 'failed') return [error(`${fqn} failed: ${reason}`, `hivectl why ${fqn}`)];
  if (state === 'backoff') return [warning(`${fqn} does not stay up: ${reason}`, `hivectl why ${fqn}`)];
  return healthy === false ? [warning(`${fqn} is not healthy: ${reason}`, `hivectl why ${fqn}`)] : [];
}

/** Ports of services that do not run must be free, or they will not start. */
async function checkPorts(services: readonly Service[]): Promise<Finding[]> {
  const idle = services.filter(({ instances, state }) => state !== 'completed' && instances.every((instance) => instance.pid === undefined && instance.containerId === undefined));
  const ports = idle.flatMap(({ fqn, ports }) => Object.entries(ports).map(([name, port]) => ({ fqn, name, port })));
  const checked = await Promise.all(ports.map(async (each) => ({ ...each, free: await isFree(each.port) })));
  const taken = checked.filter(({ free }) => !free);
  const holders = taken.length === 0 ? new Map<number, PortHolder>() : await portHolders(taken.map(({ port }) => port));
  return taken.map(({ fqn, name, port }) => {
    const holder = holders.get(port);
    const by = holder === undefined ? 'something else' : describeHolder(holder);
    return error(`Port ${port} (${name} of ${fqn}) is taken by ${by}.`, `ss -ltnp 'sport = :${port}' shows more; stop it, or give ${fqn} another port`);
  });
}

/** Listens there for a moment. Ports below 1024 may be forbidden to us and still be free. */
function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', (thrown: NodeJS.ErrnoException) => resolve(thrown.code !== 'EADDRINUSE'));
    server.listen({ port, host: '0.0.0.0' }, () => server.close(() => resolve(true)));
  });
}

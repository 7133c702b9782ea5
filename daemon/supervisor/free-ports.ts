import type { RunnerSpec } from '../../shared/config/service-spec.js';
import { HiveError } from '../../shared/errors/index.js';
import { environmentMarker } from '../../shared/process/environment-marker.js';
import { describeHolder, portHolders, type PortHolder } from '../../shared/process/port-holders.js';
import type { Runner } from '../runner/runner.js';
import type { InstanceActor } from './instance-actor.js';
import { isHeld, isShared } from './port-probe.js';
import { declaredPorts, type Ports } from './ports.js';
import type { SupervisedService } from './supervised-service.js';

type PortNumbers = Readonly<Record<string, number>>;

export interface FreePortsTools {
  readonly ports: Ports;
  readonly runner: Pick<Runner, 'liveTreeOf'>;
  readonly warn: (sentence: string) => void;
}

/** What engines and their helpers are called that listen for containers. What they hold, their engine has the say of. */
const enginePrograms = /^(?:docker-proxy|dockerd|conmon|rootlessport|rootlesskit|slirp4netns|pasta(?:\.avx2)?|netavark|gvproxy)$/;

/**
 * The ports that an instance is to be launched with, none of them held by a stranger: one that is `auto` moves, a fixed one
 * keeps the instance from being launched.
 * `swept`: resolves when nothing of its earlier incarnations is left, which is what holds a port most often.
 * @throws HiveError CONFLICT naming the port and who holds it (`data: {port, pid, command}`)
 */
export async function freePortsFor(service: SupervisedService, actor: InstanceActor, swept: () => Promise<void>, tools: FreePortsTools): Promise<PortNumbers> {
  const { rollout, runner } = actor.spec;
  const resolved = await tools.ports.resolve(rollout, actor.id);
  if (!listensHere(runner)) return resolved;
  const held = await heldOf(resolved);
  if (held.length === 0) return resolved;
  await swept();
  const strangers = await strangersAt(await heldOf(resolved), service, tools);
  for (const { name, port, holder } of strangers) {
    if (declaredPorts(rollout, actor.id)[name] !== 'auto') throw conflict(name, port, holder);
    const moved = await tools.ports.move(actor.id, name);
    tools.warn(`The port ${name} of ${actor.id} moves from ${port} to ${moved}: ${port} is held by ${describeHolder(holder)}.`);
  }
  return strangers.length === 0 ? resolved : tools.ports.known(rollout, actor.id);
}

/** Whether what it listens on can be looked at from here before it is started: a swarm listens for all that ever were. */
function listensHere({ type }: RunnerSpec): boolean {
  return type === 'script' || type === 'docker' || type === 'podman';
}

async function heldOf(ports: PortNumbers): Promise<{ name: string; port: number }[]> {
  const held: { name: string; port: number }[] = [];
  for (const [name, port] of Object.entries(ports)) if (await isHeld(port)) held.push({ name, port });
  return held;
}

/** Of the ports that are held, those whose holder is known and neither the service's own, nor an engine, nor one that shares. */
async function strangersAt(held: readonly { name: string; port: number }[], service: SupervisedService, tools: FreePortsTools): Promise<{ name: string; port: number; holder: PortHolder }[]> {
  if (held.length === 0) return [];
  const holders = await portHolders(held.map(({ port }) => port));
  const found: { name: string; port: number; holder: PortHolder }[] = [];
  for (const { name, port } of held) {
    const holder = holders.get(port);
    if (holder === undefined || isEngine(holder) || (await isOwn(holder, service, tools)) || (await isShared(port))) continue;
    found.push({ name, port, holder });
  }
  return found;
}

function isEngine({ command }: PortHolder): boolean {
  const program = command?.replace(/^\[(.*)\]$/, '$1').split(' ')[0]?.split('/').at(-1) ?? '';
  return enginePrograms.test(program);
}

/** Another instance of the same service, as in a rolling deploy on a port that the program itself shares. */
async function isOwn({ pid }: PortHolder, { actors }: SupervisedService, { runner }: FreePortsTools): Promise<boolean> {
  if (pid === null) return false;
  for (const { state } of actors) {
    if (state.kind === 'running' && (await runner.liveTreeOf(state.process)).some((process) => process.pid === pid)) return true;
  }
  return false;
}

function conflict(name: string, port: number, holder: PortHolder): HiveError {
  const service = holder.pid === null ? null : environmentMarker(holder.pid, 'HIVE_SERVICE_FQN');
  const of = service === null ? '' : ` of ${service}`;
  return new HiveError('CONFLICT', `its port ${port} (${name}) is held by ${describeHolder(holder)}${of}.`, {
    next: 'Stop that program, or give the service another port.',
    data: { port, pid: holder.pid, command: holder.command },
  });
}

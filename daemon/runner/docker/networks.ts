import { saidBy, statusOf } from './engine-error.js';
import type { EngineConnection } from './engine-connection.js';

/** What an engine brings, or borrows from elsewhere: never made and never removed. */
const builtIn = /^(?:bridge|host|none|default|podman|slirp4netns|pasta|container:.*|ns:.*)$/;
const label = 'hive.home';

/** Networks that are being made now: engines do not keep two of one name apart, and then no container can name either. */
const beingMade = new WeakMap<EngineConnection, Map<string, Promise<void>>>();

/** Makes a network that somebody names and nobody has made; it is labelled, and goes with its last container (`removeUnused`). */
export async function ensureNetwork(connection: EngineConnection, name: string, homeId: string): Promise<void> {
  if (builtIn.test(name)) return;
  const making = beingMade.get(connection) ?? new Map<string, Promise<void>>();
  beingMade.set(connection, making);
  const made = making.get(name) ?? makeUnlessThere(connection, name, homeId).finally(() => making.delete(name));
  making.set(name, made);
  await made;
}

async function makeUnlessThere(connection: EngineConnection, name: string, homeId: string): Promise<void> {
  try {
    await connection.call((engine) => engine.getNetwork(name).inspect());
  } catch (error) {
    if (statusOf(error) !== 404) throw error;
    try {
      await connection.call((engine) => engine.createNetwork({ Name: name, CheckDuplicate: true, Labels: { [label]: homeId } }));
    } catch (thrown) {
      // Somebody else made it meanwhile.
      if (statusOf(thrown) !== 409 && !/already (exists|used)/.test(saidBy(thrown))) throw thrown;
    }
  }
}

/** Whether a container that is in this network may be the last one in a network of Hive's own. */
export function mayBeOurs(name: string | null | undefined): boolean {
  return name !== null && name !== undefined && !builtIn.test(name);
}

/** Removes the networks that Hive made and no container is in any more, be it one that does not run. */
export async function removeUnused(connection: EngineConnection, homeId: string): Promise<void> {
  const networks = await connection.call((engine) => engine.listNetworks({ filters: { label: [`${label}=${homeId}`] } }));
  for (const { Id, Name } of networks) {
    const users = await connection.call((engine) => engine.listContainers({ all: true, filters: { network: [Name] } }));
    if (users.length === 0) await connection.call((engine) => engine.getNetwork(Id).remove() as Promise<unknown>).catch(() => undefined);
  }
}

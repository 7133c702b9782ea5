import { randomInt } from 'node:crypto';
import { createServer } from 'node:net';
import type { RolloutSpec } from '../../shared/config/service-spec.js';
import { HiveError } from '../../shared/errors/index.js';
import { colorOf } from '../rollout/rollout-plan.js';
import type { StateStore } from '../state/state-store.js';

/** Where `auto` ports come from: below the range that Linux hands out by itself (32768 and up). */
const firstPort = 20_000;
const lastPort = 29_999;

/**
 * The host ports of instances. A port that is `auto` is allocated once, is kept across restarts and daemons, and belongs
 * to one instance only.
 */
export class Ports {
  private readonly taken = new Map<number, string>();
  private readonly allocated = new Map<string, number>();
  /** Anywhere in the range, so that two Hives on one machine seldom look at the same port at the same moment. */
  private nextCandidate = randomInt(firstPort, lastPort + 1);

  /** `isDeclared`: whether a service has this number in its configuration, and so may want it some day. */
  constructor(private readonly store: StateStore, private readonly isDeclared: (port: number) => boolean = () => false) {
    const rows = store.db.prepare('SELECT port, instance, name FROM ports').all() as { port: number; instance: string; name: string }[];
    for (const { port, instance, name } of rows) this.keep(port, instance, name);
  }

  /** The ports an instance has now, without those that were never allocated. */
  known(rollout: RolloutSpec, instance: string): Record<string, number> {
    const ports: Record<string, number> = {};
    for (const [name, port] of Object.entries(declaredPorts(rollout, instance))) {
      const number = port === 'auto' ? this.allocated.get(`${instance}/${name}`) : port;
      if (number !== undefined) ports[name] = number;
    }
    return ports;
  }

  /** The ports of an instance that is about to start; allocates what is missing, durably. */
  async resolve(rollout: RolloutSpec, instance: string): Promise<Record<string, number>> {
    for (const [name, port] of Object.entries(declaredPorts(rollout, instance))) {
      if (port === 'auto' && !this.allocated.has(`${instance}/${name}`)) await this.allocate(instance, name);
    }
    return this.known(rollout, instance);
  }

  /** Gives an instance another `auto` port for this name, durably, since the one it had is taken. Returns the new one. */
  async move(instance: string, name: string): Promise<number> {
    const before = this.allocated.get(`${instance}/${name}`);
    await this.allocate(instance, name);
    if (before !== undefined) this.taken.delete(before);
    return this.allocated.get(`${instance}/${name}`) as number;
  }

  /** Gives back what the instances of a deleted service had. */
  release(service: string): void {
    const prefix = `${service}#`;
    for (const key of [...this.allocated.keys()]) {
      if (!key.startsWith(prefix)) continue;
      this.taken.delete(this.allocated.get(key) as number);
      this.allocated.delete(key);
    }
    void this.store.record((tx) => tx.db.prepare("DELETE FROM ports WHERE substr(instance, 1, ?) = ?").run(prefix.length, prefix));
  }

  private async allocate(instance: string, name: string): Promise<void> {
    for (let tries = 0; tries <= lastPort - firstPort; tries += 1) {
      const port = this.nextCandidate;
      this.nextCandidate = port === lastPort ? firstPort : port + 1;
      if (this.taken.has(port) || this.isDeclared(port)) continue;
      this.taken.set(port, instance);
      if (await isFree(port)) {
        await this.remember(port, instance, name);
        return;
      }
      this.taken.delete(port);
    }
    throw new HiveError('CONFLICT', `No port between ${firstPort} and ${lastPort} is free for ${instance}.`, { next: 'Stop something that listens there, or give the port a number in hive.yaml.' });
  }

  private async remember(port: number, instance: string, name: string): Promise<void> {
    try {
      await this.store.commit((tx) => {
        tx.db.prepare('DELETE FROM ports WHERE instance = ? AND name = ?').run(instance, name);
        tx.db.prepare('INSERT INTO ports VALUES (?, ?, ?)').run(port, instance, name);
      });
    } catch (error) {
      this.taken.delete(port);
      throw error;
    }
    this.keep(port, instance, name);
  }

  private keep(port: number, instance: string, name: string): void {
    this.taken.set(port, instance);
    this.allocated.set(`${instance}/${name}`, port);
  }
}

/** The ports of an instance as they are declared; in blue-green those of its colour. */
export function declaredPorts(rollout: RolloutSpec, instance: string): Readonly<Record<string, number | 'auto'>> {
  switch (rollout.type) {
    case 'recreate':
    case 'rolling':
      return rollout.ports;
    case 'blue-green':
      return Object.fromEntries(Object.entries(rollout.ports).map(([name, ports]) => [name, ports[colorOf(Number(instance.split('#')[1]))]]));
  }
}

/** Whether nobody listens there, on any address. */
function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen({ port, host: '0.0.0.0', exclusive: true }, () => server.close(() => resolve(true)));
  });
}

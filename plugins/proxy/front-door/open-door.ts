import { rm } from 'node:fs/promises';
import type { Server } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { HiveError } from '../../../shared/errors/hive-error.js';
import type { FrontDoorOptions } from './front-door.js';
import { handOver } from './hand-over.js';
import { descriptorOf, startHolder } from './holder.js';
import { openListeners, resolveListenAddress, type ListenAddress } from './listen-address.js';
import { tableFileOf } from './setup.js';
import type { WorkerLink } from './worker-link.js';

/** Those who held an address until now take a moment to let go; longer when they were told to just now. */
const letGoMs = { before: 300, now: 2_000 };
const againMs = 25;

type Order = Pick<FrontDoorOptions, 'folder' | 'setup' | 'log'>;

/**
 * Starts the processes of a front door: with the sockets of one that is there (`others`), else with new ones. Answers the
 * pid of their holder. @throws HiveError CONFLICT, INVALID_CONFIG
 */
export async function openDoor(others: readonly WorkerLink[], order: Order): Promise<number> {
  const { folder, setup, log } = order;
  const present = others.find(({ hello }) => !hello.isRetired);
  if (present !== undefined) {
    if (await canHandOver(present, setup.bind)) return handOver(present, folder, setup);
    log('info', 'The proxy that serves now cannot hand over its addresses: they are closed for a moment.');
    await Promise.all(others.map((link) => link.ended(0)));
  }
  await rm(tableFileOf(folder), { force: true });
  const sockets = await Promise.all(setup.bind.map(resolveListenAddress));
  const listeners = await freedListeners(setup.bind, others.length > 0 ? letGoMs.now : letGoMs.before);
  const holder = startHolder(setup, folder, sockets, listeners.map(descriptorOf));
  for (const listener of listeners) listener.close();
  return holder;
}

/** Two sockets cannot be for the same port when one of them is for all addresses: then the old one has to go first. */
async function canHandOver({ hello: { sockets } }: WorkerLink, bind: readonly string[]): Promise<boolean> {
  if (sockets === undefined) return false;
  const wanted = await Promise.all(bind.map(resolveListenAddress));
  return !wanted.some((one) => !sockets.some((held) => isSame(held, one)) && sockets.some((held) => overlap(held, one)));
}

function isSame(one: ListenAddress, other: ListenAddress): boolean {
  return one.host === other.host && one.port === other.port;
}

function overlap(one: ListenAddress, other: ListenAddress): boolean {
  return one.port === other.port && [one.host, other.host].some((host) => host === '::' || host === '0.0.0.0');
}

async function freedListeners(bind: readonly string[], withinMs: number): Promise<Server[]> {
  const deadline = performance.now() + withinMs;
  for (;;) {
    try {
      return await openListeners(bind);
    } catch (thrown) {
      if (!(thrown instanceof HiveError) || thrown.code !== 'CONFLICT' || performance.now() > deadline) throw thrown;
      await delay(againMs);
    }
  }
}

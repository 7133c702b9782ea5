import { join } from 'node:path';
import { HiveError } from '../../../shared/errors/hive-error.js';
import type { ErrorCode } from '../../../shared/errors/catalogue.js';
import { descriptorOf, startHolder } from './holder.js';
import { openListeners, resolveListenAddress, type ListenAddress } from './listen-address.js';
import { firstDescriptor, type Setup } from './setup.js';
import type { WorkerLink } from './worker-link.js';

/*
 * How a front door is replaced by one with other settings, other addresses or newer programs while connections come: a
 * worker of the old one runs a program of the new one, which inherits the listening sockets, opens those that are missing,
 * and starts a holder with them. No socket that stays is ever closed.
 */

/** What the program is told, as JSON in this variable. */
const orderVariable = 'HIVE_PROXY_ORDER';

interface Order { readonly folder: string; readonly setup: Setup; readonly inherited: readonly ListenAddress[] }

/** What it prints. */
type Outcome = { readonly ok: true; readonly holder: number } | { readonly ok: false; readonly code: ErrorCode; readonly message: string; readonly options: HiveError['options'] };

/** Starts the front door that is wanted with the sockets of this worker; answers the pid of its holder. @throws HiveError CONFLICT, INVALID_CONFIG */
export async function handOver(from: WorkerLink, folder: string, setup: Setup): Promise<number> {
  const order: Order = { folder, setup, inherited: from.hello.sockets ?? [] };
  const answer = await from.ask({
    type: 'handOver',
    program: [process.execPath, join(import.meta.dirname, 'take-sockets.js')],
    environment: { PATH: process.env['PATH'] ?? '', [orderVariable]: JSON.stringify(order) },
  });
  if (answer.type !== 'handedOver' || answer.output === '') throw new HiveError('SPAWN_FAILED', 'The proxy that serves now could not hand over its sockets.', { next: 'Look at the output of the plugin.' });
  const outcome = JSON.parse(answer.output) as Outcome;
  if (outcome.ok) return outcome.holder;
  throw new HiveError(outcome.code, outcome.message, outcome.options);
}

/** In the program: takes what it inherited, and opens the rest. */
export async function takeSockets(): Promise<Outcome> {
  const { folder, setup, inherited } = JSON.parse(process.env[orderVariable] ?? '') as Order;
  const wanted = await Promise.all(setup.bind.map(resolveListenAddress));
  const at = wanted.map((address) => inherited.findIndex((one) => one.host === address.host && one.port === address.port));
  try {
    const opened = await openListeners(setup.bind.filter((_, index) => at[index] === -1));
    const descriptors = at.map((index) => (index === -1 ? descriptorOf(opened.shift()) : firstDescriptor + index));
    return { ok: true, holder: startHolder(setup, folder, wanted, descriptors) };
  } catch (thrown) {
    if (!(thrown instanceof HiveError)) throw thrown;
    return { ok: false, code: thrown.code, message: thrown.message, options: thrown.options };
  }
}

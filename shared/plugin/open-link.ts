import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { HiveError } from '../errors/hive-error.js';
import { dialSocket } from '../rpc/index.js';

/** The way to the daemon that this process was started with. `token`: to be sent in `initialize`. */
export interface Link { readonly stream: Duplex; readonly token?: string }

/** @throws HiveError NOT_SUPPORTED when Hive did not start this process; DAEMON_UNREACHABLE */
export async function openLink(environment: NodeJS.ProcessEnv): Promise<Link> {
  const { HIVE_FD: descriptor, HIVE_SOCKET: socket, HIVE_TOKEN: token } = environment;
  if (descriptor !== undefined) return { stream: new Socket({ fd: Number(descriptor), readable: true, writable: true }) };
  if (socket !== undefined && token !== undefined) return { stream: await dialSocket(socket), token };
  throw new HiveError('NOT_SUPPORTED', 'This is a plugin of Hive and was not started by it: neither HIVE_FD nor HIVE_SOCKET and HIVE_TOKEN are set.', {
    next: 'Put it into the plugins folder of a running daemon (~/.adi/hive/plugins), which starts it.',
  });
}

/** Removes from the environment what children of the plugin must not get: the way in. */
export function hideLink(environment: NodeJS.ProcessEnv): void {
  delete environment['HIVE_FD'];
  delete environment['HIVE_TOKEN'];
}

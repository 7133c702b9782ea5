import { chmodSync, lstatSync, unlinkSync } from 'node:fs';
import { createConnection, createServer, type Server, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { HiveError } from '../errors/hive-error.js';
import { connectRpc, type RpcConnection, type RpcOptions } from './connection.js';

/** sun_path has 108 bytes, one of them for the NUL at its end. Node cuts longer paths off without a word. */
export const maxSocketPathBytes = 107;

export interface ListenOptions {
  /** Most connections at a time; further ones are closed at once. Default 1,000. */
  readonly maxConnections?: number;
  /** Told of errors of the listening socket and of what `onConnection` threw. */
  readonly onDefect?: (error: unknown) => void;
}

export interface RpcServer {
  readonly path: string;
  /** Takes no more connections and removes the socket file; connections that are open live on. */
  close(): void;
}

/**
 * Listens on a Unix socket that only this user can connect to (mode 0600). The caller must hold the lock that elects
 * the owner of the path: a socket file that nobody answers on is taken for a leftover and replaced.
 * @throws HiveError TOO_LARGE (path), HOME_LOCKED (somebody answers there), CONFLICT (not a socket), HOME_REFUSED
 */
export async function listenRpc(path: string, onConnection: (socket: Socket) => void, options: ListenOptions = {}): Promise<RpcServer> {
  assertSocketPath(path);
  await removeLeftover(path);
  const server = createServer((socket) => {
    try {
      onConnection(socket);
    } catch (thrown) {
      socket.on('error', () => {});
      socket.destroy();
      options.onDefect?.(thrown);
    }
  });
  server.maxConnections = options.maxConnections ?? 1000;
  await bindPrivately(server, path);
  server.on('error', (error) => options.onDefect?.(error));
  return { path, close: () => void server.close() };
}

/**
 * bind() creates the socket file with mode 0777 less the umask, and Node binds before `listen` returns. So the umask is
 * changed for that one synchronous step, and there is no moment at which another user could connect. The mask is 0077
 * and not 0177, because it is the mask of the whole process: a folder that a pool thread makes in the same moment loses
 * nothing its owner needs. The x bits that this leaves mean nothing on a socket, and are tidied away.
 */
async function bindPrivately(server: Server, path: string): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => reject(listenError(path, error)));
    server.once('listening', resolve);
    const before = process.umask(0o077);
    try {
      server.listen({ path });
    } finally {
      process.umask(before);
    }
  });
  server.removeAllListeners('error');
  chmodSync(path, 0o600);
}

async function removeLeftover(path: string): Promise<void> {
  const found = lstatSync(path, { throwIfNoEntry: false });
  if (found === undefined) return;
  if (!found.isSocket()) {
    throw new HiveError('CONFLICT', `${path} is there and is not a socket.`, { next: 'Move it away, then start again.' });
  }
  try {
    (await dialSocket(path)).destroy();
  } catch (thrown) {
    // Only a refusal proves that nobody listens; a full backlog, for one, is a sign of life.
    if (thrown instanceof HiveError && thrown.data['errno'] === 'ECONNREFUSED') return unlinkSync(path);
    throw thrown;
  }
  throw new HiveError('HOME_LOCKED', `Somebody answers on ${path} already.`, {
    next: 'Stop the other daemon first: hivectl daemon stop.',
  });
}

export interface DialOptions extends RpcOptions {
  /** How long connecting may take. Default 5 s. */
  readonly connectTimeoutMs?: number;
}

/**
 * Connects to a daemon's socket.
 * @throws HiveError DAEMON_UNREACHABLE, PERMISSION_DENIED, TOO_LARGE (path)
 */
export async function dialRpc(path: string, options: DialOptions): Promise<RpcConnection> {
  return connectRpc(await dialSocket(path, options.connectTimeoutMs), options);
}

/** Connects and leaves the protocol to the caller. Same errors as `dialRpc`. */
export async function dialSocket(path: string, connectTimeoutMs = 5000): Promise<Socket> {
  assertSocketPath(path);
  const deadline = performance.now() + connectTimeoutMs;
  for (;;) {
    try {
      return await connectOnce(path);
    } catch (thrown) {
      const error = thrown as NodeJS.ErrnoException;
      // A full backlog: a Unix socket answers EAGAIN instead of making the caller wait, as TCP would.
      if (error.code !== 'EAGAIN' || performance.now() > deadline) throw dialError(path, error);
      await delay(10);
    }
  }
}

function connectOnce(path: string): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = createConnection({ path });
    socket.once('error', reject);
    socket.once('connect', () => {
      socket.off('error', reject);
      resolve(socket);
    });
  });
}

/** Refuses a path that the system would cut off. @throws HiveError TOO_LARGE */
export function assertSocketPath(path: string): void {
  const bytes = Buffer.byteLength(path);
  if (bytes <= maxSocketPathBytes && !path.includes('\0')) return;
  throw new HiveError('TOO_LARGE', `The socket path ${path} takes ${bytes} bytes; the system allows ${maxSocketPathBytes}.`, {
    next: 'Set HIVE_HOME to a shorter path.',
    data: { path, bytes, limitBytes: maxSocketPathBytes },
  });
}

function dialError(path: string, error: NodeJS.ErrnoException): HiveError {
  const options = { data: { path, errno: error.code }, cause: error };
  switch (error.code) {
    case 'ENOENT':
      return new HiveError('DAEMON_UNREACHABLE', `No daemon is running: there is no socket at ${path}.`, {
        ...options,
        next: 'Start it with `hivectl daemon start`, or set HIVE_HOME to the home of a running one.',
      });
    case 'ECONNREFUSED':
      return new HiveError('DAEMON_UNREACHABLE', `Nobody answers on ${path}: the daemon that made it is gone.`, {
        ...options,
        next: 'Start it with `hivectl daemon start`; services that it left running are taken over.',
      });
    case 'EACCES':
    case 'EPERM':
      return new HiveError('PERMISSION_DENIED', `You may not connect to ${path}.`, {
        ...options,
        next: 'Only the user who runs the daemon may; become that user, or set HIVE_HOME to your own.',
      });
    default:
      return new HiveError('DAEMON_UNREACHABLE', `Connecting to ${path} failed: ${error.message}.`, {
        ...options,
        next: 'See `hivectl daemon status`.',
      });
  }
}

function listenError(path: string, error: NodeJS.ErrnoException): HiveError {
  return new HiveError('HOME_REFUSED', `Listening on ${path} failed: ${error.message}.`, {
    next: 'The folder must exist and belong to the user who runs the daemon.',
    data: { path, errno: error.code },
    cause: error,
  });
}

import { spawn, type ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import type { Socket } from 'node:net';
import { join } from 'node:path';
import type { Duplex } from 'node:stream';
import { HiveError } from '../shared/errors/hive-error.js';
import type { AttachRequest, ExpectRequest, PluginManifest } from '../shared/protocol/link.js';
import { identityOf } from '../shared/process/identity.js';
import { dialRpc } from '../shared/rpc/index.js';
import { closeOutput, openOutput, outputFolder } from './captured-output.js';
import { pluginEnvironment } from './plugin-environment.js';
import { watchChild, type WatchedProcess } from './watched-process.js';

export interface LaunchPlace {
  readonly home: string;
  readonly socketPath: string;
  readonly logsFolder: string;
  readonly pluginDataFolder: string;
  readonly hostToken: string;
  /** Tells the daemon that a plugin will connect by itself. */
  readonly expect: (request: ExpectRequest) => Promise<unknown>;
}

/** A plugin that could not be started. `permanent`: trying again cannot help before something is changed. */
export class LaunchError extends Error {
  constructor(message: string, readonly permanent: boolean) {
    super(message);
  }
}

/** The descriptor that the link has in the plugin. */
const linkDescriptor = 3;

/**
 * Starts a plugin's process, with its link in its hands, in a session of its own.
 * @throws LaunchError
 */
export async function launchPlugin(manifest: PluginManifest, run: string, place: LaunchPlace): Promise<WatchedProcess> {
  const dataDir = join(place.pluginDataFolder, manifest.id);
  mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  const link = await openLink(manifest, run, place);
  const output = openOutput(outputFolder(place.logsFolder, manifest.id));
  try {
    const [command = '', ...args] = manifest.command;
    const child = spawn(command, args, {
      cwd: manifest.workingDirectory ?? dataDir,
      env: pluginEnvironment(manifest, { home: place.home, dataDir, run, link: link.address }, process.env),
      detached: true,
      stdio: ['ignore', output.stdout, output.stderr, ...(link.socket === null ? [] : [link.socket])],
    });
    return await spawned(child, run);
  } catch (thrown) {
    throw launchError(thrown, manifest);
  } finally {
    closeOutput(output);
    // Closes this process's copy of the descriptor. `end()` would shut the connection down under the plugin.
    link.socket?.destroy();
  }
}

interface Link { readonly socket: Duplex | null; readonly address: { fd: number } | { socket: string; token: string } }

async function openLink(manifest: PluginManifest, run: string, place: LaunchPlace): Promise<Link> {
  try {
    if (manifest.connect === 'token') {
      const pluginToken = randomBytes(32).toString('hex');
      await place.expect({ manifest, run, pluginToken });
      return { socket: null, address: { socket: place.socketPath, token: pluginToken } };
    }
    const connection = await dialRpc(place.socketPath, { name: 'the daemon' });
    await connection.call('host.attach', { token: place.hostToken, manifest, run } satisfies AttachRequest);
    const socket = connection.detach();
    makeBlocking(socket);
    return { socket, address: { fd: linkDescriptor } };
  } catch (thrown) {
    throw new LaunchError(`its link could not be opened (${thrown instanceof Error ? thrown.message : String(thrown)})`, false);
  }
}

/**
 * Whether reading blocks belongs to the connection, not to the descriptor, so the plugin inherits it. Programs expect a
 * descriptor that blocks (sh cannot even ask for one); those that do not, Node among them, say so themselves.
 * Node knows no public way; without this one the plugin gets a descriptor that does not block.
 */
function makeBlocking(socket: Duplex): void {
  const handle = (socket as Socket & { _handle?: { setBlocking?: (on: boolean) => number } })._handle;
  handle?.setBlocking?.(true);
}

function spawned(child: ChildProcess, run: string): Promise<WatchedProcess> {
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    const { pid } = child;
    if (pid === undefined) return;
    // The child is not reaped before its exit is told, so the pid is still its own; a zombie has an identity no more.
    const identity = identityOf(pid) ?? { pid, startTicks: 0, bootId: '' };
    resolve(watchChild(child, { ...identity, run }));
    child.on('error', () => {});
  });
}

const permanentReasons: Record<string, string> = {
  ENOENT: 'does not exist, or its interpreter or its working directory does not',
  EACCES: 'may not be executed',
  ENOEXEC: 'is no program: a script needs a first line such as #!/bin/sh',
  ENOTDIR: 'lies below something that is no folder',
};

function launchError(thrown: unknown, manifest: PluginManifest): LaunchError {
  if (thrown instanceof LaunchError) return thrown;
  const code = (thrown as NodeJS.ErrnoException | null)?.code ?? '';
  const known = permanentReasons[code];
  const command = manifest.command[0] ?? '';
  if (known !== undefined) return new LaunchError(`${command} ${known} (${code}).`, true);
  const message = thrown instanceof HiveError || thrown instanceof Error ? thrown.message : String(thrown);
  return new LaunchError(`starting ${command} failed: ${message}`, false);
}

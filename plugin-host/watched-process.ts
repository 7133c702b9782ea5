import type { ChildProcess } from 'node:child_process';
import type { PluginProcess } from '../shared/protocol/link.js';
import { isAlive } from '../shared/process/identity.js';
import { signalGroup } from '../shared/process/send-signal.js';
import { killLeftovers, killRun } from './run-processes.js';

const adoptedPollMs = 200;

/** Both null: how it ended is not known. */
export interface ProcessExit { readonly code: number | null; readonly signal: NodeJS.Signals | null }

/** A plugin's process, started by this host or by one before it, until it ends. */
export interface WatchedProcess {
  readonly identity: PluginProcess;
  /** Resolves once the process is gone and what it left behind has been killed. */
  readonly exited: Promise<ProcessExit>;
  /** Signals the process and its group; nothing happens once it is gone. */
  signal(signal: NodeJS.Signals): void;
  /** Looks now whether it still lives, for somebody who has reason to doubt it. */
  look(): void;
}

/** Acts on `exit`, not on `close`: a grandchild may hold the output for as long as it likes. */
export function watchChild(child: ChildProcess, identity: PluginProcess): WatchedProcess {
  const exited = new Promise<ProcessExit>((resolve) => {
    child.once('exit', (code, signal) => {
      killLeftovers(identity);
      resolve({ code, signal });
    });
  });
  return { identity, exited, look: () => {}, signal: (signal) => void signalGroup(identity, signal) };
}

/** Watches a process that is not a child of this one. The kernel tells only parents, so it is looked at from time to time. */
export function watchAdopted(identity: PluginProcess): WatchedProcess {
  let look = (): void => {};
  const exited = new Promise<ProcessExit>((resolve) => {
    const timer = setInterval(() => look(), adoptedPollMs);
    look = () => {
      if (isAlive(identity)) return;
      clearInterval(timer);
      killRun(identity);
      resolve({ code: null, signal: null });
    };
  });
  return { identity, exited, look: () => look(), signal: (signal) => void signalGroup(identity, signal) };
}

import type { ChildProcess } from 'node:child_process';
import type { PluginProcess } from '../shared/protocol/link.js';
import { isAlive, processesOfGroup, processesTagged, type ProcessIdentity } from './process-facts.js';

/** The variable that marks everything that a run of a plugin starts, wherever in the process tree it hides. */
export const runTag = 'HIVE_PLUGIN_RUN';

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
  let gone = false;
  const exited = new Promise<ProcessExit>((resolve) => {
    child.once('exit', (code, signal) => {
      gone = true;
      killLeftovers(identity);
      resolve({ code, signal });
    });
  });
  return { identity, exited, look: () => {}, signal: (signal) => { if (!gone) signalGroup(identity.pid, signal); } };
}

/** Watches a process that is not a child of this one. The kernel tells only parents, so it is looked at from time to time. */
export function watchAdopted(identity: PluginProcess): WatchedProcess {
  let look = (): void => {};
  const exited = new Promise<ProcessExit>((resolve) => {
    const timer = setInterval(() => look(), adoptedPollMs);
    look = () => {
      if (isAlive(identity)) return;
      clearInterval(timer);
      killLeftovers(identity);
      resolve({ code: null, signal: null });
    };
  });
  return { identity, exited, look: () => look(), signal: (signal) => { if (isAlive(identity)) signalGroup(identity.pid, signal); } };
}

/** Kills what a run left behind: members of its group, and whatever carries its tag in a session of its own. */
export function killLeftovers(run: { readonly pid: number; readonly run: string }): void {
  for (const leftover of [...processesOfGroup(run.pid), ...processesTagged(runTag, run.run)]) killOne(leftover);
}

/** Kills one process, if it is still that process. */
export function killOne(target: ProcessIdentity): void {
  if (!isAlive(target)) return;
  try {
    process.kill(target.pid, 'SIGKILL');
  } catch {
    // It ended by itself in the meantime.
  }
}

function signalGroup(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-pid, signal);
  } catch {
    // It ended by itself in the meantime.
  }
}

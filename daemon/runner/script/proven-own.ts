import { readlinkSync, realpathSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { markerIfReadable } from '../../../shared/process/environment-marker.js';
import { isAlive, type ProcessIdentity } from '../../../shared/process/identity.js';
import { readProcess } from '../../../shared/process/proc-table.js';
import type { InstanceRef } from '../runner.js';
import { incarnationVariable } from './environment.js';

const longestDoubtMs = 200;

/**
 * Whether a living process that a record names is what the record says. A record is a file, and a file can be edited or
 * restored; whoever is adopted will be signalled some day. One proof is enough, since a service may clear its environment,
 * close its output, or lose its shim: it carries the incarnation's marker, its parent is a shim in this run folder, it
 * stands there itself (a shim, or a service about to be executed), or its output goes to the instance's log.
 */
export async function provenOwn(ref: InstanceRef, incarnation: string, folder: string, main: ProcessIdentity, shim: ProcessIdentity | null): Promise<boolean> {
  for (const started = performance.now(); ; await sleep(5)) {
    const marker = markerIfReadable(main.pid, incarnationVariable);
    if (marker === incarnation || hasOtherProof(ref, folder, main, shim)) return true;
    // Nothing can be read of a process while it is executed, which for one that is being started may be now.
    if (marker !== undefined || performance.now() - started > longestDoubtMs) return false;
  }
}

function hasOtherProof(ref: InstanceRef, folder: string, main: ProcessIdentity, shim: ProcessIdentity | null): boolean {
  const real = realpathSync(folder);
  if (linkOf(main.pid, 'cwd') === real) return true;
  if (shim !== null && isAlive(shim) && readProcess(main.pid)?.parentPid === shim.pid && linkOf(shim.pid, 'cwd') === real) return true;
  const logs = path.join(real, '../../../../logs', ref.source, ref.service) + path.sep;
  return ['fd/1', 'fd/2'].some((output) => linkOf(main.pid, output)?.startsWith(logs));
}

function linkOf(pid: number, name: string): string | null {
  try {
    return readlinkSync(`/proc/${pid}/${name}`);
  } catch {
    return null;
  }
}

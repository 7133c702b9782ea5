import { readProc } from './read-proc.js';

/** The highest number of open files that this process could give a child of its own, and what says so. */
export function mostOpenFiles(): { most: number; why: string } {
  const perProcess = Number(readProc('/proc/sys/fs/nr_open')?.trim() ?? Infinity);
  const hard = /^Max open files +\S+ +(\S+)/m.exec(readProc('/proc/self/limits') ?? '')?.[1];
  const hardLimit = hard === undefined || hard === 'unlimited' ? Infinity : Number(hard);
  // Root may raise its own hard limit, up to what the kernel allows anybody.
  if (process.getuid?.() === 0 || hardLimit >= perProcess) return { most: perProcess, why: 'the kernel (fs.nr_open)' };
  return { most: hardLimit, why: 'the hard limit of the daemon (ulimit -Hn)' };
}

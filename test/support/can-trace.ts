import { execFileSync } from 'node:child_process';

/** Whether strace is there and may look into processes, which not every machine allows. */
export function canTrace(): boolean {
  try {
    execFileSync('strace', ['-qq', '-e', 'trace=none', 'true'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

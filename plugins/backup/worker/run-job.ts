import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { HiveError, hiveErrorFromWire } from '../../../shared/errors/hive-error.js';
import type { Tell } from '../snapshot/progress.js';
import type { JobName, Jobs } from './jobs.js';
import type { Order, Report } from './worker.js';

export interface JobOptions {
  readonly tell?: Tell;
  /** Aborting it ends the job's process. */
  readonly signal?: AbortSignal;
}

/** A job that has said nothing for so long waits for a disk or a network that will not answer. */
const longestSilenceMs = 600_000;

/** Runs a job in a process of its own. @throws HiveError what the job threw; CANCELLED; TIMEOUT it got stuck; INTERNAL it died */
export async function runJob<J extends JobName>(job: J, order: Jobs[J]['order'], { tell, signal }: JobOptions = {}): Promise<Jobs[J]['answer']> {
  signal?.throwIfAborted();
  // fork hands its channel down as descriptor 3, which is the plugin's link in the plugin itself.
  const child = fork(fileURLToPath(new URL('./worker.js', import.meta.url)), [], { serialization: 'advanced', execArgv: ['--max-semi-space-size=8'] });
  const kill = (): void => void child.kill('SIGKILL');
  let isStuck = false;
  const watch = setTimeout(() => {
    isStuck = true;
    kill();
  }, longestSilenceMs);
  signal?.addEventListener('abort', kill);
  try {
    return await new Promise<Jobs[J]['answer']>((resolve, reject) => {
      child.on('message', (report: Report) => {
        watch.refresh();
        switch (report.kind) {
          case 'progress': return tell?.(report.progress);
          case 'answer': return resolve(report.answer as Jobs[J]['answer']);
          case 'error': return reject(hiveErrorFromWire(report.error.message, report.error.data));
        }
      });
      child.once('error', reject);
      child.once('exit', (code, died) => {
        if (isStuck) reject(new HiveError('TIMEOUT', `The job "${job}" has not moved for ${longestSilenceMs / 60_000} minutes and was ended.`, { next: 'Look at the disk or the network that the backup goes to.' }));
        else if (signal?.aborted === true) reject(new HiveError('CANCELLED', `The job "${job}" was called off.`));
        else reject(new HiveError('INTERNAL', `The process of the job "${job}" ended (${died ?? `code ${String(code)}`}) before it answered.`, { next: 'hivectl plugin logs backup may say why; then try again.' }));
      });
      child.send({ job, order } satisfies Order<J>, (error) => { if (error !== null) reject(error); });
    });
  } finally {
    clearTimeout(watch);
    signal?.removeEventListener('abort', kill);
  }
}

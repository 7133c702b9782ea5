import { toHiveError, type HiveError } from '../../../shared/errors/hive-error.js';
import type { Progress } from '../snapshot/progress.js';
import { jobs, type JobName, type Jobs } from './jobs.js';

/*
 * One job, then the end: what SQLite, encryption and the AWS SDK take of memory goes with this process, and the plugin
 * stays small and answers pings meanwhile. Jobs and answers travel over the channel of Node's fork.
 */

export interface Order<J extends JobName = JobName> { readonly job: J; readonly order: Jobs[J]['order'] }

export type Report =
  | { readonly kind: 'progress'; readonly progress: Progress }
  | { readonly kind: 'answer'; readonly answer: unknown }
  | { readonly kind: 'error'; readonly error: ReturnType<typeof asWire> };

const say = (report: Report): Promise<void> => new Promise((resolve) => {
  if (process.send === undefined || !process.connected) resolve();
  else process.send(report, undefined, undefined, () => resolve());
});

process.once('disconnect', () => process.exit(1));
process.once('message', (message: Order) => void work(message));

async function work<J extends JobName>({ job, order }: Order<J>): Promise<void> {
  try {
    const answer = await jobs[job](order, (progress) => void say({ kind: 'progress', progress }));
    await say({ kind: 'answer', answer });
  } catch (thrown) {
    await say({ kind: 'error', error: asWire(thrown) });
  }
  process.exit(0);
}

function asWire(thrown: unknown): { message: string; data: HiveError['data'] } {
  const error = toHiveError(thrown);
  if (error.code === 'INTERNAL') console.error(thrown);
  return { message: error.message, data: error.data };
}

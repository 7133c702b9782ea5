import type { TaskReport } from './task.js';

/** What comes first: the end of a task, its timeout (milliseconds; null: none) or the abort. Lets go of both once it has ended. */
export function whatEnds(ended: Promise<unknown>, timeoutMs: number | null, signal: AbortSignal): Promise<TaskReport['endedBy']> {
  return new Promise((resolve) => {
    const finish = (by: TaskReport['endedBy']) => (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', aborted);
      resolve(by);
    };
    const aborted = finish('abort');
    const timer = timeoutMs === null ? undefined : setTimeout(finish('timeout'), timeoutMs);
    signal.addEventListener('abort', aborted);
    void ended.then(finish('itself'));
    if (signal.aborted) aborted();
  });
}

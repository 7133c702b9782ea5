import { HiveError } from '../../../shared/errors/index.js';
import type { StopOptions, StopReport } from '../runner.js';
import type { EngineConnection } from './engine-connection.js';
import { saidBy, statusOf } from './engine-error.js';
import type { TrackedContainer } from './tracked-container.js';

const killWaitMs = 10_000;
const tellEveryMs = 1_000;

/**
 * The signal, the grace, SIGKILL; resolves once the container has ended and its log is complete. An engine that is away is
 * waited for, since nobody knows what runs there, until `givenUp`.
 * @throws HiveError STOP_FAILED, ENGINE_UNAVAILABLE
 */
export async function climbDown(
  connection: EngineConnection,
  tracked: TrackedContainer,
  { signal, graceMs, onWaiting }: StopOptions,
  givenUp: () => boolean,
  look: () => Promise<void>,
): Promise<StopReport['by']> {
  await look();
  if (tracked.end !== null) return 'already-gone';
  const telling = setInterval(() => onWaiting?.([{ pid: tracked.facts.pid, command: tracked.describeForPeople() }]), tellEveryMs);
  try {
    if (graceMs > 0) {
      await send(signal);
      if (await endsWithin(graceMs)) return 'signal';
    }
    await send('SIGKILL');
    if (await endsWithin(killWaitMs)) return 'kill';
  } finally {
    clearInterval(telling);
  }
  throw new HiveError('STOP_FAILED', `The ${tracked.describeForPeople()} does not end, not even by SIGKILL.`, {
    data: { survivors: tracked.facts.pid === 0 ? [] : [{ pid: tracked.facts.pid, command: tracked.describeForPeople() }] },
  });

  async function send(name: NodeJS.Signals): Promise<void> {
    while (tracked.end === null) {
      try {
        await connection.call((engine) => engine.getContainer(tracked.container).kill({ signal: name }) as Promise<unknown>);
        return;
      } catch (error) {
        // 404 and 409: it is gone, or does not run any more. Its end is on the way.
        const status = statusOf(error);
        if (status === 404 || status === 409 || (status === 500 && /not running|no such process|can only kill running/i.test(saidBy(error)))) return await look();
        if (!(error instanceof HiveError)) throw new HiveError('STOP_FAILED', `The ${tracked.describeForPeople()} could not be sent ${name}: ${saidBy(error)}.`, { cause: error, data: { survivors: [] } });
        if (givenUp()) throw error;
        await Promise.race([connection.whenAvailable(), new Promise((resolve) => setTimeout(resolve, 200).unref())]);
      }
    }
  }

  async function endsWithin(ms: number): Promise<boolean> {
    let timer: NodeJS.Timeout | undefined;
    await Promise.race([tracked.ended, new Promise((resolve) => { timer = setTimeout(resolve, ms); })]);
    clearTimeout(timer);
    if (tracked.end === null) await look();
    return tracked.end !== null;
  }
}

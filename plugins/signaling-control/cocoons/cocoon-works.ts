import { access, constants } from 'node:fs/promises';
import { HiveError, toHiveError } from '../../../shared/errors/index.js';
import type { DaemonClient } from '../../../shared/plugin/index.js';
import type { Kind } from '../kinds.js';
import type { CocoonNames } from './cocoon-names.js';
import { cocoonSource, fqnOf, requestLabel, requestMark, serviceConfig, type CocoonOrder, type Files } from './service-config.js';

/** How long the daemon may take for anything: changes of one source are made one after the other, and a thousand may be asked for at once. */
const patient = { deadlineMs: 600_000 };
/** How long a cocoon may take to stop, beyond which nobody waits. */
const stopWithinMs = 600_000;
/** Calls that wait for a service have deadlines of their own, which are to come first. */
const spareMs = 5_000;

/** Makes and removes cocoons, which are services of one source. Every step may be repeated. */
export class CocoonWorks {
  constructor(private readonly daemon: DaemonClient, private readonly names: CocoonNames, private readonly files: Files) {}

  /** Makes the service of an order, or finds the one that was made for it. @throws HiveError; then nothing was made */
  async create(order: CocoonOrder): Promise<void> {
    await assertScript(order.kind);
    try {
      await this.daemon.createService({ source: cocoonSource, name: order.name, config: serviceConfig(order, this.files) }, patient);
    } catch (thrown) {
      const error = toHiveError(thrown);
      if (error.code !== 'ALREADY_EXISTS' || !(await this.isMadeFor(order.name, order.requestId))) throw error;
    }
    this.names.created(order.name);
  }

  /** Resolves when the cocoon runs, and is healthy where its kind has a check. @throws HiveError */
  async start(name: string, withinMs: number): Promise<void> {
    await this.daemon.startService({ fqn: fqnOf(name) }, patient);
    await this.daemon.waitForService({ fqn: fqnOf(name), for: 'healthy', timeoutMs: withinMs }, { deadlineMs: withinMs + spareMs });
  }

  /** Whether there is a service of this name and it was made for this request. */
  async isMadeFor(name: string, requestId: string): Promise<boolean> {
    try {
      const { config } = await this.daemon.getServiceConfig({ fqn: fqnOf(name) }, patient);
      const { labels } = config as { labels?: Record<string, unknown> };
      return labels?.[requestLabel] === requestMark(requestId);
    } catch (thrown) {
      if (toHiveError(thrown).code === 'NOT_FOUND') return false;
      throw thrown;
    }
  }

  /**
   * Stops a cocoon and deletes it; it is no error that it is gone already. Stopped first, because a deletion holds up all
   * other changes of its source until the service has stopped. @throws HiveError STOP_FAILED and others
   */
  async remove(name: string): Promise<void> {
    const fqn = fqnOf(name);
    try {
      await this.daemon.stopService({ fqn }, patient);
      await this.daemon.waitForService({ fqn, for: 'stopped', timeoutMs: stopWithinMs }, { deadlineMs: stopWithinMs + spareMs });
      await this.daemon.deleteService({ fqn }, patient);
    } catch (thrown) {
      if (toHiveError(thrown).code !== 'NOT_FOUND') throw thrown;
    }
    this.names.deleted(name);
  }
}

/** A script that cannot be executed would start and end at once, again and again. */
async function assertScript({ id, runner, scriptPath }: Kind): Promise<void> {
  if (runner !== 'script' || scriptPath === null) return;
  try {
    await access(scriptPath, constants.X_OK);
  } catch (error) {
    const why = (error as NodeJS.ErrnoException).code === 'ENOENT' ? 'does not exist' : 'cannot be executed';
    throw new HiveError('SPAWN_FAILED', `The script of the kind ${id} ${why} on this machine.`, { next: `Look at ${scriptPath}.` });
  }
}

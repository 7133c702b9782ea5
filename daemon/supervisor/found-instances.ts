import { instanceKey, type AdoptReport, type EngineRef, type InstanceExit, type InstanceRef } from '../runner/runner.js';
import type { InstanceRecord, InstanceRecords } from './instance-records.js';
import { lastLines, type WorkTools } from './instance-work.js';
import type { Found } from './restore-instance.js';

/**
 * What earlier daemons left, in the run folders and in state.db, until the service that it belongs to takes it over. What
 * belongs to no source that is known runs on and stays here: state.db may have been lost, and its source may be added again.
 */
export class FoundInstances {
  private found = new Map<string, Found>();
  private remembered = new Map<string, InstanceRecord>();
  private loaded: ReadonlySet<string> | null = null;

  constructor(private readonly tools: Pick<WorkTools, 'runner' | 'logs' | 'warn'>) {}

  /** Looks at what lives; to be called once, first of all. Returns how many live. */
  async look(records: InstanceRecords): Promise<number> {
    const report = await this.tools.runner.adopt();
    await this.add(report);
    this.remembered = records.all();
    return report.living.length;
  }

  /** What an engine that answers late has. What lives outranks what has ended. */
  async add({ living, exited }: AdoptReport): Promise<void> {
    for (const process of living) this.found.set(instanceKey(process.ref), { kind: 'living', process });
    await Promise.all(exited.map(async (exit) => {
      const said = await lastLines(this.tools.logs, exit.ref);
      if (this.found.get(instanceKey(exit.ref))?.kind !== 'living') this.found.set(instanceKey(exit.ref), { kind: 'exited', exit, lastLines: said });
    }));
  }

  /** The engines in which instances of a service lived when an earlier daemon looked last. */
  enginesOf(fqn: string): EngineRef[] {
    return [...this.remembered].flatMap(([id, { state }]) => {
      if (id.slice(0, id.lastIndexOf('#')) !== fqn) return [];
      const process = state.kind === 'running' ? state.process : state.kind === 'failed' ? state.leftover : null;
      return process?.engine === undefined ? [] : [process.engine];
    });
  }

  /** The numbers of the instances of a service that live and nobody has taken over yet. */
  numbersLiving(source: string, service: string): number[] {
    return [...this.found.values()].flatMap((found) => (found.kind === 'living' && found.process.ref.source === source && found.process.ref.service === service ? [found.process.ref.number] : []));
  }

  /** Hands over what there is of an instance; it is supervised from now on. */
  take(id: string): { found: Found; record: InstanceRecord | undefined } {
    const found = this.found.get(id) ?? { kind: 'nothing' };
    const record = this.remembered.get(id);
    this.found.delete(id);
    this.remembered.delete(id);
    return { found, record };
  }

  /** The full names of services that state.db remembers and nobody has taken over. */
  rememberedServices(): string[] {
    return [...this.remembered.keys()].map((id) => id.slice(0, id.lastIndexOf('#')));
  }

  /** An instance that nobody has taken over yet has ended. */
  ended(exit: InstanceExit): void {
    const id = instanceKey(exit.ref);
    if (this.found.has(id)) this.found.set(id, { kind: 'exited', exit, lastLines: [] });
  }

  /** Once the sources are read: stops what has left one of those whose services are known (`loaded`). */
  async stopOrphans(loaded: ReadonlySet<string>): Promise<void> {
    this.loaded = loaded;
    const orphans: Found[] = [];
    for (const [id, found] of this.found) {
      if (loaded.has(refOf(found).source)) {
        orphans.push(found);
        this.found.delete(id);
      } else if (found.kind === 'living') {
        this.tools.warn(`${id} runs, but its source is not known: it runs on, and is supervised again once its source is added or can be read.`);
      }
    }
    await this.clearAway(orphans);
  }

  /** As `stopOrphans`, of what an engine brought that answered after it. */
  async stopLateOrphans(): Promise<void> {
    if (this.loaded !== null) await this.stopOrphans(this.loaded);
  }

  /** Stops everything that nobody has taken over. */
  async stopAll(): Promise<void> {
    const all = [...this.found.values()];
    this.found = new Map();
    await this.clearAway(all);
  }

  private async clearAway(orphans: readonly Found[]): Promise<void> {
    await Promise.all(orphans.map(async (found) => {
      const ref = refOf(found);
      try {
        if (found.kind === 'living') {
          this.tools.warn(`${instanceKey(ref)} runs, but no source has it: stopping it.`);
          await this.tools.runner.stop(found.process, { signal: 'SIGTERM', graceMs: 10_000 });
          await this.tools.runner.forget(ref, found.process.incarnation);
        } else if (found.kind === 'exited') await this.tools.runner.forget(ref, found.exit.incarnation);
      } catch (error) {
        this.tools.warn(`${instanceKey(ref)} could not be cleared away: ${(error as Error).message}`);
      }
    }));
  }
}

function refOf(found: Found): InstanceRef {
  switch (found.kind) {
    case 'living':
      return found.process.ref;
    case 'exited':
      return found.exit.ref;
    case 'nothing':
      throw new Error('nothing has no name');
  }
}

import type { ContainerInfo } from 'dockerode';
import type { TrackedContainer } from '../docker/tracked-container.js';
import { instanceKey, type EngineRef, type ExitResult, type InstanceExit, type InstanceRef, type RunningInstance } from '../runner.js';

/**
 * One incarnation: the containers that compose made for it, in the order in which it made them. It runs while they do. One
 * that ends with 0 is done, as a migration is; one that ends otherwise ends the whole; and when the last is done, so is it.
 */
export class ComposeGroup {
  /** How it ended, once it has and everybody was told. */
  end: InstanceExit | null = null;
  stopping = false;

  constructor(readonly ref: InstanceRef, readonly incarnation: string, readonly project: string, private readonly engine: EngineRef, readonly members: readonly TrackedContainer[]) {}

  get key(): string {
    return instanceKey(this.ref);
  }

  /** The last that was made: what the others are there for. */
  get main(): TrackedContainer | undefined {
    return this.members.findLast(({ end }) => end === null) ?? this.members.at(-1);
  }

  describe(): RunningInstance {
    const { ref, incarnation, engine, main } = this;
    return { ref, incarnation, pid: main?.facts.pid ?? 0, startedAt: this.startedAt, engine, ...(main === undefined ? {} : { containerId: main.container }) };
  }

  get startedAt(): Date {
    return new Date(Math.min(Date.now(), ...this.members.map(({ facts }) => facts.startedAt.getTime())));
  }

  /** How it has ended; null: it goes on. */
  outcome(): InstanceExit | null {
    const ended = this.members.flatMap(({ end }) => end ?? []);
    const failed = ended.find(({ exit }) => !isZero(exit));
    const decisive = failed ?? (ended.length === this.members.length ? ended.at(-1) : undefined);
    if (decisive === undefined) return null;
    const { ref, incarnation } = this;
    const which = this.members.length > 1 && failed !== undefined ? this.members.find(({ end }) => end === failed)?.name : undefined;
    const diagnosis = [which === undefined ? undefined : `it was container ${which}`, decisive.diagnosis].filter((said) => said !== undefined).join('; ');
    return {
      ref, incarnation, exit: decisive.exit, at: decisive.at, startedAt: this.startedAt,
      ...(decisive.pid === undefined ? {} : { pid: decisive.pid }), ...(decisive.ranMs === undefined ? {} : { ranMs: decisive.ranMs }),
      ...(diagnosis === '' ? {} : { diagnosis }),
    };
  }
}

function isZero(exit: ExitResult): boolean {
  return exit.kind === 'code' && exit.code === 0;
}

/** In the order in which compose made them, which is that of what depends on what. */
export function inOrder(containers: readonly ContainerInfo[]): ContainerInfo[] {
  return [...containers].sort((one, other) => one.Created - other.Created || (one.Names[0] ?? '').localeCompare(other.Names[0] ?? ''));
}

import type { Column, WorkName } from './works.js';

/** What a run found out so far. */
export class Report {
  readonly values = new Map<WorkName, Partial<Record<Column, number>>>();
  /** Remarks for the reader, in the order in which they came up. */
  readonly notes: string[] = [];
  /** What was tried and did not work: a run with one of these has failed. */
  readonly failures: string[] = [];

  set(work: WorkName, column: Column, value: number): void {
    this.values.set(work, { ...this.values.get(work), [column]: value });
  }

  get(work: WorkName, column: Column): number | undefined {
    return this.values.get(work)?.[column];
  }

  note(text: string): void {
    if (!this.notes.includes(text)) this.notes.push(text);
  }

  /** Does a part of the run; what it throws is a failure of the run, but not the end of it. */
  async attempt(what: string, work: () => Promise<void>): Promise<void> {
    const beganAtMs = performance.now();
    try {
      await work();
      process.stderr.write(`  ${what}: ${((performance.now() - beganAtMs) / 1000).toFixed(1)} s\n`);
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      this.failures.push(`${what}: ${reason}`);
      process.stderr.write(`  ${what} FAILED: ${reason}\n`);
    }
  }
}

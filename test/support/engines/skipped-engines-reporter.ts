import type { AggregatedResult } from '@jest/reporters';
import { engineTitle } from './engine-title.js';

/** Says in the last lines of a run which engines were not there, so that a green run does not look like a whole one. */
export default class SkippedEnginesReporter {
  onRunComplete(_contexts: unknown, { testResults }: AggregatedResult): void {
    const skipped = new Map<string, number>();
    for (const { testResults: tests } of testResults) {
      for (const { ancestorTitles, status } of tests) {
        const [title = ''] = ancestorTitles;
        const engine = new RegExp(`^${engineTitle} (\\w+ \\(absent: .*?\\)):`).exec(title)?.[1];
        if (engine !== undefined && status === 'pending') skipped.set(engine, (skipped.get(engine) ?? 0) + 1);
      }
    }
    for (const [engine, count] of skipped) console.log(`\nSKIPPED: ${count} tests of ${engine}`);
  }
}

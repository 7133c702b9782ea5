import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, it } from '@jest/globals';
import { TestHive } from '../../support/test-hive.js';
import { behaviours, type Stage } from './behaviours.js';
import { ownWayOf, type RunnerType } from './own-ways.js';
import type { Subject } from './subject.js';

/** The contract of runners, run against one of them: the same behaviours for each. */
export function conformance(type: RunnerType, makeSubject: () => Subject): void {
  let hive: TestHive;
  let counted = 0;
  const sources: string[] = [];

  beforeAll(async () => {
    hive = new TestHive();
    writeFileSync(join(hive.home, 'hive.yaml'), JSON.stringify({ version: '1', proxy: { bind: ['127.0.0.1:0'] }, services: {} }));
    await hive.start();
  });
  afterAll(() => hive.end());
  afterEach(async () => {
    await Promise.all(sources.splice(0).map((name) => hive.client.removeSource({ name }, { deadlineMs: 20_000 })));
  });

  for (const { name, run } of behaviours) {
    it(name, async () => {
      const subject = makeSubject();
      expect(subject.own?.[name] !== undefined).toBe(ownWayOf(type, name) !== null);
      const service: Stage['service'] = async (runner, more = {}) => {
        counted += 1;
        const source = `s${counted}`;
        const config = { runner, restart: 'never', ...more };
        await hive.addSource(source, JSON.stringify({ version: '1', services: { [`unit${counted}`]: config } }));
        sources.push(source);
        await hive.client.startSource({ name: source });
        return `${source}:unit${counted}`;
      };
      await (subject.own?.[name] ?? run)({ hive, subject, service });
    });
  }
}

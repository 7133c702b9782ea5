import { afterEach, describe, expect, it } from '@jest/globals';
import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { TestHive } from '../support/test-hive.js';
import { markedInProc } from '../support/marked-in-proc.js';
import { until } from '../support/until.js';

/** Notes that it began, and whether another one was at it. Ends once there is a file `go`. */
const build = 'mkdir building || echo DOUBLED >> story; echo began >> story; trap "rmdir building; exit 1" TERM; until [ -e go ]; do sleep 0.02; done; rmdir building; echo built >> story';

/** In the environment of everything that these tests start. */
const mark = `MARK=builds-${randomBytes(6).toString('hex')}`;

const yaml = (instances: number): string => `
version: "1"
services:
  web:
    runner: {type: script, script: {run: "[ -e go ] || exit 9; exec sleep 1000"}}
    build: {command: ${JSON.stringify(build)}, when: always}
    environment: {static: {MARK: ${mark.slice(5)}}}
    instances: ${instances}
    stop: {grace: 1s}
`;

describe('builds', () => {
  let hive: TestHive;
  let folder: string;
  afterEach(() => hive.end());

  const begin = async (instances = 1): Promise<void> => {
    hive = await TestHive.started();
    folder = await hive.addSource('app', yaml(instances));
    await hive.client.startSource({ name: 'app' });
    await until(async () => (existsSync(join(folder, 'story')) ? true : undefined), 'the build to begin');
  };
  const story = (): string[] => readFileSync(join(folder, 'story'), 'utf8').trim().split('\n');
  const finish = async (): Promise<void> => {
    writeFileSync(join(folder, 'go'), '');
    await hive.serviceWhen('app:web', ({ state }) => state === 'running');
  };

  it('of a killed daemon are stopped before they run again', async () => {
    await begin();
    await hive.kill();
    expect(markedInProc(mark).length).toBeGreaterThan(0);
    await hive.start();
    await until(async () => (story().length === 2 ? true : undefined), 'the build to begin again');
    await finish();
    expect(story()).toEqual(['began', 'began', 'built']);
  });

  it('of a killed daemon are stopped also when the service is not there any more', async () => {
    await begin();
    await hive.kill();
    writeFileSync(join(folder, '.adi/hive.yaml'), 'version: "1"\nservices: {}\n');
    await hive.start();
    await until(async () => (markedInProc(mark).length === 0 ? true : undefined), 'the build to be gone');
  });

  it('run once for all instances, and are called off only when nobody waits for them any more', async () => {
    await begin(3);
    await until(async () => ((await hive.service('app:web')).instances.every(({ state }) => state === 'building') ? true : undefined), 'all to wait for the build');
    await hive.client.scaleService({ fqn: 'app:web', instances: 1 });
    await hive.serviceWhen('app:web', ({ instances }) => instances.length === 1);
    expect(story()).toEqual(['began']);
    await finish();
    expect(story()).toEqual(['began', 'built']);
  });

  it('end when the service is stopped', async () => {
    await begin();
    await hive.client.stopService({ fqn: 'app:web' });
    await until(async () => (markedInProc(mark).length === 0 ? true : undefined), 'the build to be gone');
    expect(existsSync(join(folder, 'building'))).toBe(false);
  });
});

import { afterAll, beforeAll } from '@jest/globals';
import { DockerEngine } from '../../support/engines/docker-engine.js';
import { describeWithEngine } from '../../support/engines/engine.js';
import { conformance } from './conformance.js';
import { containerSubject } from './container-subject.js';

describeWithEngine('docker', 'the docker runner', () => {
  let engine: DockerEngine;
  beforeAll(async () => { engine = await DockerEngine.start(); });
  afterAll(() => engine.end());
  conformance('docker', () => containerSubject(engine, () => engine.inspectAll()));
});

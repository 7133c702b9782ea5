import { afterAll, beforeAll } from '@jest/globals';
import { describeWithEngine } from '../../support/engines/engine.js';
import { PodmanEngine } from '../../support/engines/podman-engine.js';
import { conformance } from './conformance.js';
import { containerSubject } from './container-subject.js';

describeWithEngine('podman', 'the podman runner', () => {
  let engine: PodmanEngine;
  beforeAll(async () => { engine = await PodmanEngine.start(); });
  afterAll(() => engine.end());
  conformance('podman', () => containerSubject(engine, () => engine.inspectAll()));
});

import { mkdtempSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll } from '@jest/globals';
import { DockerEngine } from '../../support/engines/docker-engine.js';
import { describeWithEngine } from '../../support/engines/engine.js';
import { conformance } from './conformance.js';
import { containerSubject } from './container-subject.js';

describeWithEngine('compose', 'the compose runner', () => {
  let engine: DockerEngine;
  let folder: string;
  let files = 0;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'hive-compose-'));
    engine = await DockerEngine.start();
  });
  afterAll(async () => {
    await engine.end();
    rmSync(folder, { recursive: true, force: true });
  });

  /** A compose file of one service that runs this program. */
  const fileOf = (program: string, http: boolean): string => {
    const own = join(folder, `project-${(files += 1)}`);
    mkdirSync(own);
    const unit = { image: engine.image, command: ['sh', '-c', program.replaceAll('$', '$$$$')], network_mode: 'bridge', ...(http ? { ports: ['127.0.0.1:${PORT}:80'] } : {}) };
    writeFileSync(join(own, 'docker-compose.yml'), JSON.stringify({ version: '3.8', services: { unit } }));
    return join(own, 'docker-compose.yml');
  };

  conformance('compose', () => ({
    ...containerSubject(engine, () => engine.inspectAll()),
    type: 'compose',
    runner: (program, { http = false } = {}) => ({ type: 'compose', compose: { file: fileOf(program, http), service: 'unit', socket: engine.socket } }),
    there: () => engine.inspectAll().map(({ name, state, labels }) => `${name} ${labels['hive.compose.service']}#${labels['hive.compose.instance']} ${state}`),
  }));
});

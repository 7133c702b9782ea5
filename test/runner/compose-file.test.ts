import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { DockerEngine } from '../support/engines/docker-engine.js';
import { describeWithEngine, engineImage } from '../support/engines/engine.js';
import { TestHive } from '../support/test-hive.js';
import { until } from '../support/until.js';

const fqn = 'default:all';
const forever = 'while :; do sleep 0.1; done';
const program = (text: string) => ({ image: engineImage, network_mode: 'bridge', command: ['sh', '-c', text.replaceAll('$', '$$$$')] });

describeWithEngine('compose', 'a whole compose file as one instance', () => {
  let engine: DockerEngine;
  let hive: TestHive;
  const write = (services: Record<string, unknown>): void => writeFileSync(join(hive.home, 'app/docker-compose.yml'), JSON.stringify({ version: '3.8', services, volumes: { data: {} } }));
  const names = () => engine.inspectAll().map(({ name }) => name).sort();

  beforeAll(async () => {
    engine = await DockerEngine.start();
    hive = new TestHive();
    mkdirSync(join(hive.home, 'app'));
    writeFileSync(join(hive.home, 'hive.yaml'), JSON.stringify({
      version: '1',
      services: { all: { runner: { type: 'compose', compose: { file: 'app/docker-compose.yml', project: 'whole', socket: engine.socket } }, restart: 'never', stop: { grace: '2s' }, environment: { static: { WORD: 'filled in' } } } },
    }));
    write({
      db: { ...program(`trap 'echo db ends; exit 0' TERM; echo db; ${forever}`), volumes: ['data:/data', '/anonymous'] },
      migrate: program('echo migrated'),
      web: { ...program(`trap 'echo web ends; exit 0' TERM; echo "web $WORD"; ${forever}`), environment: { WORD: '${WORD}' }, depends_on: ['db'] },
    });
    await hive.start();
  }, 60_000);
  afterAll(async () => {
    await hive.end();
    engine.docker('volume', 'rm', '-f', 'whole_data');
    await engine.end();
  }, 60_000);

  it('runs while its containers do, one that is done aside, with lines that say whose they are; a stop leaves the named volume alone', async () => {
    await hive.serviceWhen(fqn, ({ state }) => state === 'running');
    const said = async (): Promise<string[]> => (await hive.client.getLogs({ fqn, lines: 50 })).lines.map(({ message }) => message);
    await until(async () => ((await said()).length === 3 ? true : undefined), 'a line of each');
    expect((await said()).sort()).toEqual(['db | db', 'migrate | migrated', 'web | web filled in']);
    expect(names()).toEqual(['whole_db_1', 'whole_migrate_1', 'whole_web_1']);
    await hive.restartAfterKill();
    expect(await hive.service(fqn)).toMatchObject({ state: 'running', restarts: 0 });
    await hive.client.stopService({ fqn });
    await hive.serviceWhen(fqn, ({ state }) => state === 'stopped');
    await until(() => (names().length === 0 ? true : undefined), 'nothing to be left');
    expect((await said()).slice(-2)).toEqual(['web | web ends', 'db | db ends']);
    expect(engine.docker('volume', 'ls', '-q')).toBe('whole_data');
    expect(engine.docker('network', 'ls', '-q', '--filter', 'label=com.docker.compose.project')).toBe('');
  });

  it('ends as a whole when one container does, and says which', async () => {
    write({ web: program(forever), worker: program('sleep 0.5; exit 6') });
    await hive.client.startService({ fqn });
    const { reason } = await hive.serviceWhen(fqn, ({ state }) => state === 'failed');
    expect(reason).toContain('exited with code 6');
    expect(reason).toContain('it was container whole_worker_1');
    await until(() => (names().length === 0 ? true : undefined), 'the others to go');
  });

  it('says what compose complains of', async () => {
    write({ web: { command: 'x' } });
    await hive.client.startService({ fqn });
    const { reason } = await hive.serviceWhen(fqn, (one) => one.state === 'failed' && one.reason.includes('says'));
    expect(reason).toMatch(/docker.compose says: .*[Ss]ervice web has neither an image nor a build context/);
  });
});

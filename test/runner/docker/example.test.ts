import { cpSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { DaemonClient } from '../../../shared/client/index.js';
import { packageRoot } from '../../../shared/package-root.js';
import { Sandbox } from '../../hivectl/sandbox.js';
import { DockerEngine } from '../../support/engines/docker-engine.js';
import { describeWithEngine } from '../../support/engines/engine.js';
import { freePort } from '../../support/free-port.js';
import { until } from '../../support/until.js';

describeWithEngine('docker', 'examples/containers', () => {
  let engine: DockerEngine;
  const sandbox = new Sandbox();
  beforeAll(async () => { engine = await DockerEngine.start(); });
  afterAll(async () => {
    await sandbox.end();
    await engine.end();
  });

  it('comes up by `hivectl up`, answers through the proxy, is deployed, mended when its containers are removed, and leaves nothing', async () => {
    const port = await freePort();
    const folder = join(sandbox.root, 'containers');
    cpSync(join(packageRoot(), 'examples/containers'), folder, { recursive: true });
    mkdirSync(sandbox.home, { recursive: true, mode: 0o700 });
    writeFileSync(join(sandbox.home, 'hive.yaml'), JSON.stringify({ version: '1', proxy: { bind: [`127.0.0.1:${port}`] }, services: {} }), { mode: 0o600 });
    const environment = { DOCKER_HOST: `unix://${engine.socket}`, EXAMPLE_IMAGE: engine.image };
    const hivectl = (...words: string[]) => sandbox.start(folder, words, environment).finished;
    const answer = async () => (await fetch(`http://127.0.0.1:${port}/`)).text();

    const up = await hivectl('up', '--timeout', '60s');
    expect(up).toMatchObject({ code: 0 });
    expect(await until(async () => { const said = await answer().catch(() => ''); return said.includes('container') ? said : undefined; }, 'the proxy to answer')).toContain('Served from a container.');
    expect((await hivectl('logs', 'site', '--stream', 'hook')).out).toContain('the site is there');
    expect(await hivectl('deploy', 'site')).toMatchObject({ code: 0 });
    expect(await answer()).toContain('Served from a container.');

    engine.docker('rm', '-f', ...engine.docker('ps', '-q', '--filter', 'label=hive.service=containers:site').split('\n'));
    const client = await DaemonClient.connect({ home: sandbox.home });
    await until(async () => { const { restarts, healthy } = await client.getService({ fqn: 'containers:site' }); return restarts >= 2 && healthy === true ? true : undefined; }, 'both to be back');
    client.close();
    expect((await hivectl('why', 'site')).out).toMatch(/its container was removed by somebody else|exited with code 137/);

    expect(await hivectl('down')).toMatchObject({ code: 0 });
    await until(() => (engine.docker('ps', '-aq') === '' ? true : undefined), 'nothing to be left', 5_000);
  });
});

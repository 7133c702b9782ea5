import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from '@jest/globals';
import type { ContainerSeen } from '../../support/engines/containers-seen.js';
import { DockerEngine } from '../../support/engines/docker-engine.js';
import { describeWithEngine, type TestEngine } from '../../support/engines/engine.js';
import { LocalRegistry, registryUser } from '../../support/engines/local-registry.js';
import { PodmanEngine } from '../../support/engines/podman-engine.js';
import { TestHive } from '../../support/test-hive.js';
import { until } from '../../support/until.js';

const forever = 'while :; do sleep 0.1; done';

/** Every field of a container runner, seen from inside and from the engine. */
function fields(type: 'docker' | 'podman', start: () => Promise<TestEngine & { inspectAll(): ContainerSeen[]; cli(...words: string[]): string }>): void {
  let engine: Awaited<ReturnType<typeof start>>;
  let hive: TestHive;
  beforeAll(async () => { engine = await start(); });
  afterAll(() => engine.end());
  beforeEach(async () => { hive = await TestHive.started({ HOME: '/nonexistent' }); });
  afterEach(() => hive.end());

  const service = (settings: Record<string, unknown>, more: Record<string, unknown> = {}) => ({ runner: { type, [type]: { image: engine.image, ...settings } }, stop: { grace: '300ms' }, ...more });
  const add = async (services: Record<string, unknown>, source = 'app'): Promise<void> => {
    await hive.addSource(source, JSON.stringify({ version: '1', defaults: { [`hive.runner.${type}`]: { socket: engine.socket } }, services }));
    await hive.client.startSource({ name: source });
  };
  const said = (fqn: string, what: string) => until(async () => ((await hive.client.getLogs({ fqn, lines: 50 })).lines.some(({ message }) => message === what) ? true : undefined), `${fqn} to say "${what}"`);
  const failed = async (fqn: string) => (await hive.serviceWhen(fqn, ({ state }) => state === 'failed')).reason;

  it('command as a text or as a list, entrypoint, user, environment, labels and container_name', async () => {
    await add({
      text: service({ command: `sh -c "echo 'two  words'; ${forever}"` }),
      list: service({ entrypoint: ['sh', '-c'], command: [`echo "$0 $GREETING"; id -u; ${forever}`, 'name'], user: '1234', environment: { GREETING: 'from the runner' }, labels: { team: 'blue', 'hive.home': 'forged' }, container_name: 'my-own-name' },
        { environment: { static: { GREETING: 'from the service' } } }),
    });
    await said('app:text', 'two  words');
    await said('app:list', 'name from the runner');
    await said('app:list', '1234');
    const seen = engine.inspectAll().find(({ name }) => name === 'my-own-name');
    expect(seen?.labels).toMatchObject({ team: 'blue', 'hive.service': 'app:list', 'hive.home': readFileSync(join(hive.home, 'run/.home-id'), 'utf8').trim() });
  });

  it('volumes: folders of the project, read-only ones, and anonymous ones that go with the container', async () => {
    const folder = join(hive.sourceFolder('app'), 'data');
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, 'in'), 'from the host');
    await add({ web: service({ command: ['sh', '-c', `cat /data/in; echo; touch /data/out; touch /fixed/x 2>/dev/null || echo read-only; touch /scratch/y && echo scratch; ${forever}`], volumes: ['./data:/data', './data:/fixed:ro', '/scratch'] }) });
    for (const what of ['from the host', 'read-only', 'scratch']) await said('app:web', what);
    expect(existsSync(join(folder, 'out'))).toBe(true);
    expect(engine.cli('volume', 'ls', '-q').split('\n').filter((name) => name !== '')).toHaveLength(1);
    await hive.client.stopService({ fqn: 'app:web' });
    await until(() => (engine.cli('volume', 'ls', '-q') === '' ? true : undefined), 'the anonymous volume to go');
  });

  it('security: capabilities that are dropped are not there', async () => {
    await add({ few: service({ command: ['sh', '-c', `grep CapEff /proc/self/status | tr -d '\\t'; ${forever}`], security: { cap_drop: ['ALL'] } }) });
    await said('app:few', 'CapEff:0000000000000000');
  });

  it('limits are the engine\'s: open files, memory, processor', async () => {
    // Podman sets the other limits of processes anew when one is given, and a machine that takes rights away refuses that.
    const openFiles = type === 'docker' ? { open_files: 300 } : {};
    await add({ web: service({ command: ['sh', '-c', `ulimit -n; ${forever}`] }, { limits: { ...openFiles, memory: '64MB', cpu: 0.5 } }) });
    await hive.serviceWhen('app:web', ({ state, reason }) => { if (state === 'backoff' || state === 'failed' || state === 'completed') throw new Error(reason); return state === 'running'; });
    await said('app:web', type === 'docker' ? '300' : '1024');
    const [id = ''] = engine.inspectAll().map((one) => one.id);
    expect(engine.cli('inspect', '--format', '{{.HostConfig.Memory}} {{.HostConfig.NanoCpus}}', id)).toMatch(/^(64000000|67108864) 500000000$/);
  });

  it('an image that is not there: IMAGE_NOT_FOUND, with what to do', async () => {
    await add({ never: service({ image: 'hive-test/none:9', pull: 'never' }, { restart: 'never' }) });
    expect(await failed('app:never')).toContain(`The image hive-test/none:9 is not in ${type}, and pull: never forbids to fetch it. ${type} pull hive-test/none:9`);
    await expect(hive.client.waitForService({ fqn: 'app:never', for: 'running', timeoutMs: 1_000 })).rejects.toMatchObject({ code: 'IMAGE_NOT_FOUND' });
  });

  it('a container of the same name that is not ours: CONFLICT naming it, and it is left alone', async () => {
    engine.cli('create', '--name', 'taken', engine.image, 'sh');
    const [theirs] = engine.inspectAll();
    await add({ web: service({ command: ['sh', '-c', forever], container_name: 'taken' }, { restart: 'never' }) });
    expect(await failed('app:web')).toMatch(new RegExp(`the container name "taken" is taken by container ${theirs?.id.slice(0, 12)} .*which is not Hive's`));
    expect(engine.inspectAll().map(({ id }) => id)).toEqual([theirs?.id]);
    engine.cli('rm', 'taken');
  });

  it('two homes on one engine never adopt or remove each other\'s containers', async () => {
    await add({ web: service({ command: ['sh', '-c', forever] }) });
    await hive.serviceWhen('app:web', ({ state }) => state === 'running');
    const other = await TestHive.started();
    try {
      await other.addSource('app', JSON.stringify({ version: '1', services: { web: { ...service({ command: ['sh', '-c', forever] }), runner: { type, [type]: { image: engine.image, socket: engine.socket, command: ['sh', '-c', forever] } } } } }));
      await other.client.startSource({ name: 'app' });
      await other.serviceWhen('app:web', ({ state }) => state === 'running');
      expect(engine.inspectAll()).toHaveLength(2);
      await other.restartAfterKill();
      await other.client.removeSource({ name: 'app' });
    } finally {
      await other.end();
    }
    await until(() => (engine.inspectAll().length === 1 ? true : undefined), 'only the first to be left');
    expect(await hive.service('app:web')).toMatchObject({ state: 'running', restarts: 0 });
  });

  it('a network that nobody made is made, and goes with the last container in it', async () => {
    const network = `hive-net-${process.pid}`;
    await add({ a: service({ command: ['sh', '-c', forever], network }), b: service({ command: ['sh', '-c', forever], network }) });
    for (const fqn of ['app:a', 'app:b']) await hive.serviceWhen(fqn, ({ state }) => state === 'running');
    expect(engine.cli('network', 'ls')).toContain(network);
    await hive.client.stopService({ fqn: 'app:a' });
    await hive.serviceWhen('app:a', ({ state }) => state === 'stopped');
    expect(engine.cli('network', 'ls')).toContain(network);
    await hive.client.stopService({ fqn: 'app:b' });
    await until(() => (engine.cli('network', 'ls').includes(network) ? undefined : true), 'the network to go');
  });
}

describeWithEngine('docker', 'the fields of a container', () => {
  fields('docker', async () => {
    const engine = await DockerEngine.start();
    return Object.assign(engine, { cli: (...words: string[]) => engine.docker(...words) });
  });
});

describeWithEngine('podman', 'the fields of a container', () => {
  fields('podman', async () => {
    const engine = await PodmanEngine.start();
    return Object.assign(engine, { cli: (...words: string[]) => engine.podman(...words) });
  });
});

describeWithEngine('docker', 'pulls from a registry that wants to know who asks', () => {
  let engine: DockerEngine;
  let registry: LocalRegistry;
  let hive: TestHive;
  let image: string;
  beforeAll(async () => {
    [engine, registry] = [await DockerEngine.start(), await LocalRegistry.start()];
    image = `${registry.address}/team/busybox:1`;
    engine.docker('tag', engine.image, image);
    hive = new TestHive({ DOCKER_CONFIG: join(tmp(), 'docker') , PATH: `${tmp()}:${process.env['PATH']}` });
    mkdirSync(join(tmp(), 'docker'));
    // The engine's own tool logs in with a folder of its own, so that the daemon's begins empty.
    mkdirSync(join(tmp(), 'pushing'));
    writeFileSync(join(tmp(), 'pushing/config.json'), JSON.stringify({ auths: { [registry.address]: { auth: credentials } } }));
    engine.docker('--config', join(tmp(), 'pushing'), 'push', image);
    await hive.start();
  });
  afterAll(async () => {
    await hive.end();
    await registry.end();
    await engine.end();
  });
  const credentials = Buffer.from(`${registryUser.name}:${registryUser.password}`).toString('base64');
  let folder: string | null = null;
  const tmp = (): string => folder ??= mkdtempSync(join(tmpdir(), 'hive-credentials-'));
  afterAll(() => { if (folder !== null) rmSync(folder, { recursive: true }); });

  const run = async (name: string) => {
    engine.docker('rmi', '-f', image);
    await hive.addSource(name, JSON.stringify({ version: '1', services: { web: { restart: 'never', stop: { grace: '100ms' }, runner: { type: 'docker', docker: { image, socket: engine.socket, command: ['sh', '-c', forever] } } } } }));
    await hive.client.startSource({ name });
    return hive.serviceWhen(`${name}:web`, ({ state }) => state === 'running' || state === 'failed');
  };

  it('without credentials: IMAGE_NOT_FOUND, and the hint to log in', async () => {
    expect((await run('nobody')).reason).toMatch(/cannot be had: .*Check its name, or log in to its registry first \(docker login\)\./);
  });

  it('with those of the user\'s own config.json', async () => {
    writeFileSync(join(tmp(), 'docker/config.json'), JSON.stringify({ auths: { [registry.address]: { auth: credentials } } }));
    expect((await run('file')).state).toBe('running');
  });

  it('with those of a helper program, and the secret is in no log', async () => {
    writeFileSync(join(tmp(), 'docker-credential-tests'), `#!/bin/sh\nread registry\necho '{"ServerURL":"'$registry'","Username":"${registryUser.name}","Secret":"${registryUser.password}"}'\n`, { mode: 0o755 });
    writeFileSync(join(tmp(), 'docker/config.json'), JSON.stringify({ credHelpers: { [registry.address]: 'tests' } }));
    expect((await run('helper')).state).toBe('running');
    expect(hive.daemonLog()).not.toContain(registryUser.password);
  });
});

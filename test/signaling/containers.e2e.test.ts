import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import type { ContainerSeen } from '../support/engines/containers-seen.js';
import { DockerEngine } from '../support/engines/docker-engine.js';
import { describeWithEngine, type TestEngine } from '../support/engines/engine.js';
import { PodmanEngine } from '../support/engines/podman-engine.js';
import { swarmImage } from '../support/engines/swarm-node.js';
import { SwarmNodes } from '../support/engines/swarm-nodes.js';
import { until } from '../support/until.js';
import { SignaledHive } from './support/signaled-hive.js';

interface Engine extends Pick<TestEngine, 'image' | 'socket'> {
  inspectAll(): ContainerSeen[];
  end(): Promise<void>;
}

/** Says in a page what the container was given, at the port that it was told. */
const program = ['sh', '-c', 'mkdir -p /www && echo "$COCOON_NAME $COCOON_KIND" > /www/index.html && exec httpd -f -p "$PORT" -h /www'];

/** Asks for a cocoon of each of these kinds: it answers through the front door, and is gone when it is to be. */
function cocoonsIn(title: string, start: () => Promise<Engine>, kindsOf: (engine: Engine, folder: string) => Record<string, object>): void {
  const folder = mkdtempSync(join(tmpdir(), 'hive-cocoons-'));
  let engine: Engine;
  let signaled: SignaledHive;
  beforeAll(async () => {
    engine = await start();
    signaled = await SignaledHive.started();
    await signaled.settings({ kinds: kindsOf(engine, folder) });
    await until(() => (signaled.registrations.length > 1 ? true : undefined), 'the kinds to be announced');
  }, 60_000);
  afterAll(async () => {
    await signaled.end();
    await engine.end();
    rmSync(folder, { recursive: true, force: true });
  }, 60_000);

  it(title, async () => {
    for (const kind of Object.keys(kindsOf(engine, folder))) {
      const name = `in-${kind}`;
      const answer = await signaled.spawn({ request_id: `spawn ${kind}`, kind, name }, 60_000);
      expect([kind, answer]).toEqual([kind, { type: 'hive_spawn_cocoon_result', request_id: `spawn ${kind}`, success: true, container_id: name }]);
      const page = await until(async () => {
        const [proxy] = (await signaled.hive.client.status()).proxy;
        const response = proxy === undefined ? null : await fetch(`${proxy}/cocoon/${name}/`).catch(() => null);
        return response?.ok === true ? response.text() : undefined;
      }, `${name} to answer`);
      expect(page).toBe(`${name} ${kind}\n`);
      expect(engine.inspectAll().map(({ state }) => state)).toEqual(['running']);
      for (const { words, labels } of engine.inspectAll()) expect(JSON.stringify([words, labels])).not.toContain('planted-token');
      expect(await signaled.terminate({ request_id: `end ${kind}`, container_id: name })).toMatchObject({ success: true });
      await until(() => (engine.inspectAll().length === 0 ? true : undefined), `the container of ${name} to be gone`);
    }
    expect(await signaled.cocoons()).toEqual([]);
  }, 120_000);
}

const stop = { grace: '300ms' };

describeWithEngine('docker', 'cocoons', () => {
  cocoonsIn('run in containers of docker, and by compose', () => DockerEngine.start(), ({ image, socket }, folder) => {
    const composeFile = join(folder, 'stack.yaml');
    writeFileSync(composeFile, JSON.stringify({ version: '3', services: { cocoon: { image, command: program.map((word) => word.replaceAll('$', '$$$$')), ports: ['${PORT}:${PORT}'] } } }));
    return {
      docker: { runner: 'docker', image, service: { runner: { docker: { socket, command: program } }, stop } },
      compose: { runner: 'compose', compose_file: composeFile, service: { runner: { compose: { socket } }, stop } },
    };
  });
});

describeWithEngine('podman', 'cocoons', () => {
  cocoonsIn('run in containers of podman', () => PodmanEngine.start(), ({ image, socket }) => ({ podman: { runner: 'podman', image, service: { runner: { podman: { socket, command: program } }, stop } } }));
});

describeWithEngine('docker', 'cocoons in a swarm', () => {
  const start = async (): Promise<Engine> => {
    const swarm = await SwarmNodes.start(['alone']);
    const { manager } = swarm;
    return { image: swarmImage, socket: manager.socket, inspectAll: () => manager.inspectAll(), end: () => swarm.end() };
  };
  cocoonsIn('run as services of a swarm', start, ({ image, socket }) => ({ swarm: { runner: 'swarm', image, service: { runner: { swarm: { socket, command: program } }, stop } } }));
});

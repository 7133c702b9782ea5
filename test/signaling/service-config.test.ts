import { describe, expect, it } from '@jest/globals';
import { loadSource } from '../../shared/config/load-source.js';
import { composeFileOf } from '../../plugins/signaling-control/cocoons/compose-file.js';
import { requestMark, serviceConfig } from '../../plugins/signaling-control/cocoons/service-config.js';
import type { Kind } from '../../plugins/signaling-control/kinds.js';
import { readSettings } from '../../plugins/signaling-control/settings.js';

const files = { composeFile: (kind: Kind) => composeFileOf(kind, '/data') };

function specOf(settings: Record<string, unknown>, order: { name?: string; setupToken?: string } = {}) {
  const { kinds } = readSettings({ script_path: '/opt/it\'s $HOME/worker', ...settings });
  const [kind] = kinds.values();
  if (kind === undefined) throw new Error('no kind');
  const config = serviceConfig({ requestId: 'r', name: 'c1', kind, setupToken: 'token', serverUrl: 'wss://s/', ...order }, files);
  const loaded = loadSource(JSON.stringify({ version: '1', services: { c1: config } }), '/home/hive/cocoons.yaml', { source: 'cocoons', projectRoot: '/home/hive', env: { SECRET: 'leaked' } });
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems, null, 1));
  return loaded.spec.services[0];
}

describe('the service that a cocoon is', () => {
  it.each<[string, Record<string, unknown>, object]>([
    ['script', {}, { type: 'script', run: `exec '/opt/it'\\''s $HOME/worker'`, workingDir: '/opt/it\'s $HOME' }],
    ['docker', { kinds: 'a=cocoon:1' }, { type: 'docker', image: 'cocoon:1', ports: ['{{runtime.port.http}}:{{runtime.port.http}}'] }],
    ['podman', { kinds: 'a=cocoon:1' }, { type: 'podman', image: 'cocoon:1', ports: ['{{runtime.port.http}}:{{runtime.port.http}}'] }],
    ['swarm', { kinds: 'a=cocoon:1' }, { type: 'swarm', image: 'cocoon:1', ports: ['{{runtime.port.http}}:{{runtime.port.http}}'] }],
    ['compose', { kinds: 'a=cocoon:1' }, { type: 'compose', file: '/data/compose/a.yaml', service: 'cocoon', project: 'cocoon-c1' }],
    ['compose', { kinds: { a: { compose_file: '/srv/stack.yaml', compose_service: 'web' } } }, { type: 'compose', file: '/srv/stack.yaml', service: 'web' }],
  ])('is valid with the %s runner', (runner, settings, expected) => {
    const spec = specOf({ ...settings, runner });
    expect(spec).toMatchObject({
      runner: expected,
      rollout: { type: 'recreate', ports: { http: 'auto' } },
      proxy: [{ host: null, path: '/cocoon/c1', port: 'http', stripPrefix: true }],
      restart: { policy: 'on-failure' },
      labels: { 'cocoon.request': requestMark('r') },
    });
    expect(spec?.environment.service.static).toEqual({ SIGNALING_SERVER_URL: 'wss://s/', COCOON_SETUP_TOKEN: 'token', COCOON_NAME: 'c1', COCOON_KIND: runner === 'script' ? 'default' : 'a' });
  });

  it('takes what its kind lays over it, but not over what makes it that cocoon', () => {
    const service = {
      healthcheck: { type: 'tcp', tcp: { port: 'http' } }, restart: 'always', limits: { memory: '1GB' },
      environment: { static: { LEVEL: 'debug', COCOON_SETUP_TOKEN: 'other', COCOON_NAME: 'other' } }, labels: { team: 'a', 'cocoon.request': 'other' },
    };
    const spec = specOf({ runner: 'script', kinds: { a: { service } } });
    expect(spec).toMatchObject({ healthcheck: [{ type: 'tcp', port: 'http' }], restart: { policy: 'always' }, limits: { memoryBytes: 2 ** 30 }, labels: { team: 'a', 'cocoon.request': requestMark('r') } });
    expect(spec?.environment.service.static).toMatchObject({ LEVEL: 'debug', COCOON_SETUP_TOKEN: 'token', COCOON_NAME: 'c1' });
  });

  it('has its token as text only', () => {
    const spec = specOf({ runner: 'script' }, { setupToken: '${env.SECRET} {{runtime.port.http}}' });
    expect(JSON.stringify(spec)).not.toContain('leaked');
    expect(spec?.runner).toEqual(specOf({ runner: 'script' })?.runner);
  });
});

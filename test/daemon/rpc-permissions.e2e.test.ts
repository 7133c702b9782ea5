import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { join } from 'node:path';
import { describeNeed, type Need } from '../../shared/protocol/grants.js';
import { methods, type MethodName } from '../../shared/protocol/methods.js';
import { dropFolder, fixtures } from '../plugins/drop-in.js';
import { TestHive } from '../support/test-hive.js';
import { until } from '../support/until.js';

const runner = { type: 'script', script: { run: 'exec sleep 1000' } };
const web = { fqn: 'shop:web' };
const source = { name: 'shop' };
const plugin = { plugin: 'nobody' };

/** Good parameters of every method: without them, nobody would get as far as being denied. */
const paramsOf: Readonly<Record<MethodName, object>> = {
  'daemon.ping': {}, 'daemon.status': {}, 'daemon.shutdown': {},
  'source.list': {}, 'source.add': { path: '/nowhere' }, 'source.remove': source, 'source.reload': source, 'source.enable': source, 'source.disable': source,
  'source.start': source, 'source.stop': source, 'source.plan': source, 'source.text': source,
  'services.list': {}, 'services.get': web, 'services.config': web, 'services.create': { source: 'cocoons', name: 'job', config: { runner } },
  'services.update': { ...web, patch: {} }, 'services.delete': web, 'services.start': web, 'services.stop': web, 'services.restart': web, 'services.deploy': web,
  'services.scale': { ...web, instances: 1 }, 'services.wait': { ...web, for: 'running', timeoutMs: 0 }, 'services.revisions': web, 'services.rollback': { ...web, revision: 1 },
  'services.stats': {}, 'metrics.subscribe': { intervalMs: 60_000 }, 'metrics.unsubscribe': { subscription: 'none' },
  'logs.get': web, 'logs.subscribe': web, 'logs.unsubscribe': { subscription: 'none' },
  'events.subscribe': {}, 'events.ack': { seq: 0 }, 'events.list': {}, 'events.unsubscribe': {},
  'exposed.list': {}, 'routes.get': {}, 'routes.subscribe': {}, 'routes.unsubscribe': {}, 'routes.ack': { version: 0, listening: [] }, 'routes.nack': { version: 0, reason: 'x' }, 'routes.drained': { endpoint: 'x' },
  'plugins.list': {}, 'plugins.get': plugin, 'plugins.enable': plugin, 'plugins.disable': plugin, 'plugins.restart': plugin, 'plugins.reload': {}, 'plugins.call': { ...plugin, method: 'x' },
  'state.export': {}, 'state.import': { intents: [{ name: 'elsewhere:web', wanted: 'up' }] },
  'config.validate': { path: '/nowhere' }, 'config.schema': {},
};
const names = Object.keys(methods) as MethodName[];
const needOf = (method: MethodName, params: object): Need | null => (methods[method].need as (params: object) => Need | null)(params);

/** Plugins by their grants. */
const plugins: Readonly<Record<string, readonly string[]>> = {
  nobody: [],
  reader: ['read'],
  'shop-keeper': ['services:control:shop:*'],
  'web-keeper': ['services:control:shop:web'],
  'cocoon-maker': ['services:write:cocoons'],
  'web-listener': ['logs:read:shop:web'],
  follower: ['events:read'],
  caller: ['plugin:call:nobody'],
  registrar: ['sources:write'],
  router: ['routes'],
  chief: ['admin'],
  archivist: ['state:export'],
  restorer: ['state:import'],
  // Nothing of this is a grant.
  hopeful: ['rea', 'READ', 'read ', 'services:control', 'services:control:', 'services:write:', 'logs:read', 'owner', '', '**', 'plugin:call'],
};

interface Outcome { result?: unknown; code?: string; message?: string; data?: { grant?: string; next?: string } }

let hive: TestHive;
const call = async (from: string, method: string, params: object): Promise<Outcome> => (await hive.client.callPlugin({ plugin: from, method, params })) as Outcome;
const isDenied = async (from: string, method: MethodName, params: object = paramsOf[method]): Promise<boolean> => (await call(from, method, params)).code === 'PERMISSION_DENIED';

beforeAll(async () => {
  hive = await TestHive.started();
  for (const [id, grants] of Object.entries(plugins)) {
    dropFolder(join(hive.home, 'plugins'), id, { command: ['node', join(fixtures, 'calls-what-it-is-told.mjs')], grants });
  }
  await hive.client.reloadPlugins();
  await hive.addSource('shop', 'version: "1"\nservices:\n  web: {runner: {type: script, script: {run: exec sleep 1000}}}\n  db: {runner: {type: script, script: {run: exec sleep 1000}}}\n');
  await until(async () => {
    const { plugins: all } = await hive.client.listPlugins();
    return Object.keys(plugins).every((id) => all.some((one) => one.id === id && one.state === 'ready')) ? true : undefined;
  }, 'all plugins to be ready', 40_000);
}, 60_000);
afterAll(() => hive.end());

describe('a plugin without grants', () => {
  it.each(names.filter((method) => needOf(method, paramsOf[method]) !== null))('is denied %s, and told which grant it lacks', async (method) => {
    const grant = describeNeed(needOf(method, paramsOf[method]) as Need);
    const { code, message, data } = await call('nobody', method, paramsOf[method]);
    expect(code).toBe('PERMISSION_DENIED');
    expect(message).toBe(`plugin nobody may not call ${method}: it lacks the grant ${grant}.`);
    expect(data).toMatchObject({ grant, next: expect.stringContaining('hive-plugin.json') });
  });

  it.each(names.filter((method) => needOf(method, paramsOf[method]) === null))('may call %s', async (method) => {
    expect(await call('nobody', method, paramsOf[method])).toMatchObject({ result: expect.anything() });
  });

  it.each(['host.hello', 'host.attach', 'host.expect', 'host.inventory', 'host.report', 'host.close'])('cannot pass for the plugin host: %s', async (method) => {
    const outcome = await call('nobody', method, { token: 'guessed', pid: 1, plugins: [], skipped: [], plugin: 'reader', run: 'x', manifest: { id: 'reader' } });
    expect(outcome.code).toBe('PERMISSION_DENIED');
  });

  it('cannot become another plugin, or the owner, by introducing itself again', async () => {
    const again = await call('nobody', 'initialize', { protocolVersions: [1], name: 'reader', version: '1', token: 'guessed' });
    expect(again.code).toBeDefined();
    expect(await isDenied('nobody', 'services.list')).toBe(true);
  });

  it('has changed nothing', async () => {
    const { services } = await hive.client.listServices();
    expect(services.map(({ fqn, wanted }) => [fqn, wanted])).toEqual([['shop:web', 'down'], ['shop:db', 'down']]);
    expect((await hive.client.listPlugins()).plugins.filter(({ kind, state }) => kind === 'external' && state !== 'ready')).toEqual([]);
  });
});

describe('a grant', () => {
  const grantOf: Readonly<Record<string, readonly string[]>> = {
    reader: ['read'], follower: ['events:read'], registrar: ['sources:write'], router: ['routes'],
    'cocoon-maker': ['services:write:cocoons'], 'web-listener': ['logs:read:shop:web'],
  };
  it.each(Object.keys(grantOf))('of %s opens what needs it and nothing else', async (id) => {
    for (const method of names) {
      const need = needOf(method, paramsOf[method]);
      const isOpen = need === null || grantOf[id]?.includes(describeNeed(need)) === true;
      expect([method, await isDenied(id, method)]).toEqual([method, !isOpen]);
    }
  });

  it('of admin opens no more than what needs it', async () => {
    expect(await isDenied('chief', 'plugins.get')).toBe(true);
    expect(await isDenied('chief', 'services.start')).toBe(true);
    expect(await isDenied('chief', 'plugins.reload')).toBe(false);
  });

  it('that names services is for these services', async () => {
    expect(await isDenied('shop-keeper', 'services.start', { fqn: 'shop:db' })).toBe(false);
    expect(await isDenied('shop-keeper', 'services.stop', { source: 'shop' })).toBe(false);
    expect(await isDenied('shop-keeper', 'source.stop')).toBe(false);
    expect(await isDenied('web-keeper', 'services.stop', web)).toBe(false);
    for (const params of [{ fqn: 'shop:db' }, { source: 'shop' }, { fqn: 'other:web' }, { fqn: 'shop:web#1' }, { fqn: 'shop:*' }]) expect([params, await isDenied('web-keeper', 'services.stop', params)]).toEqual([params, true]);
    expect(await isDenied('shop-keeper', 'services.start', { source: 'other' })).toBe(true);
    expect(await isDenied('web-listener', 'logs.get', { fqn: 'shop:db' })).toBe(true);
    expect(await isDenied('web-listener', 'logs.get', { fqn: 'shop:*' })).toBe(true);
    expect(await isDenied('web-listener', 'logs.subscribe', {})).toBe(true);
    expect(await isDenied('cocoon-maker', 'services.create', { source: 'shop', name: 'x', config: {} })).toBe(true);
    expect(await isDenied('cocoon-maker', 'services.delete', { fqn: 'shop:web' })).toBe(true);
  });

  it('to call a plugin is for this plugin', async () => {
    expect(await call('caller', 'plugins.call', { plugin: 'nobody', method: 'daemon.ping', params: {} })).toMatchObject({ result: { result: { time: expect.any(String) } } });
    expect(await isDenied('caller', 'plugins.call', { plugin: 'reader', method: 'services.list', params: {} })).toBe(true);
    // Through another, it can do what the other can.
    expect(await call('caller', 'plugins.call', { plugin: 'nobody', method: 'services.list', params: {} })).toMatchObject({ result: { code: 'PERMISSION_DENIED' } });
  });

  it('that is none opens nothing', async () => {
    for (const method of names.filter((one) => needOf(one, paramsOf[one]) !== null)) expect([method, await isDenied('hopeful', method)]).toEqual([method, true]);
  });
});

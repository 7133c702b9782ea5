import { afterEach, describe, expect, it } from '@jest/globals';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { TestHive } from '../support/test-hive.js';
import { until } from '../support/until.js';

const hives: TestHive[] = [];
afterEach(async () => {
  for (const hive of hives.splice(0)) await hive.end();
});

async function daemon(): Promise<TestHive> {
  const hive = await TestHive.started();
  hives.push(hive);
  return hive;
}

const sleeper = '{runner: {type: script, script: {run: exec sleep 1000}}, restart: always}';
const yaml = `version: "1"\nservices:\n  web: ${sleeper}\n  worker: ${sleeper}\n  rare: ${sleeper}\n`;

describe('state.export and state.import', () => {
  it('carry what is wanted, scales and decisions about plugins to a daemon that knows nothing, before its sources come', async () => {
    const first = await daemon();
    await first.addSource('shop', yaml);
    await first.client.startSource({ name: 'shop' });
    await first.client.stopService({ fqn: 'shop:rare' });
    await first.client.scaleService({ fqn: 'shop:worker', instances: 3 });
    await first.client.disablePlugin({ plugin: 'crash-notifier' });
    const exported = await first.client.exportState();
    expect(exported).toMatchObject({
      home: first.home,
      intents: [{ name: 'shop:*', wanted: 'up' }, { name: 'shop:rare', wanted: 'down' }],
      scales: [{ fqn: 'shop:worker', instances: 3 }],
      plugins: expect.arrayContaining([{ plugin: 'crash-notifier', choice: 'disabled' }, { plugin: 'proxy', choice: 'default' }]),
    });
    expect(exported.sources.map(({ name }) => name)).toEqual(['default', 'shop']);

    const second = await daemon();
    const { intents, scales, plugins } = exported;
    expect(await second.client.importState({ intents, scales, plugins })).toEqual({ services: [] });
    await second.addSource('shop', yaml);
    await second.serviceWhen('shop:web', ({ state }) => state === 'running');
    await second.serviceWhen('shop:worker', ({ instances }) => instances.filter(({ state }) => state === 'running').length === 3);
    expect(await second.service('shop:rare')).toMatchObject({ wanted: 'down', state: 'stopped' });
    await until(async () => ((await second.client.listPlugins()).plugins.some(({ id, state }) => id === 'crash-notifier' && state === 'disabled') ? true : undefined), 'the plugin to be known, and disabled');
    const { intents: again, scales: scalesAgain } = await second.client.exportState();
    expect({ again, scalesAgain }).toEqual({ again: intents, scalesAgain: scales });
  });

  it('act on services that are there, and keep it across a kill', async () => {
    const hive = await daemon();
    await hive.addSource('shop', yaml);
    await hive.client.startService({ fqn: 'shop:web' });
    await hive.serviceWhen('shop:web', ({ state }) => state === 'running');
    const { services } = await hive.client.importState({
      intents: [{ name: 'shop:web', wanted: 'down' }, { name: 'shop:worker', wanted: 'up' }], scales: [{ fqn: 'shop:worker', instances: 2 }],
    });
    expect(services.sort()).toEqual(['shop:web', 'shop:worker']);
    await hive.serviceWhen('shop:web', ({ state }) => state === 'stopped');
    await hive.serviceWhen('shop:worker', ({ instances }) => instances.filter(({ state }) => state === 'running').length === 2);
    await hive.restartAfterKill();
    expect((await hive.service('shop:worker')).instances.filter(({ state }) => state === 'running')).toHaveLength(2);
    expect(await hive.service('shop:web')).toMatchObject({ wanted: 'down', state: 'stopped' });
  });

  it('take back what was said, so that configuration and the word about the source decide again', async () => {
    const hive = await daemon();
    await hive.addSource('shop', yaml);
    await hive.client.startSource({ name: 'shop' });
    await hive.client.stopService({ fqn: 'shop:web' });
    await hive.client.scaleService({ fqn: 'shop:worker', instances: 3 });
    await hive.client.importState({ intents: [{ name: 'shop:web', wanted: null }], scales: [{ fqn: 'shop:worker', instances: null }] });
    await hive.serviceWhen('shop:web', ({ state }) => state === 'running');
    await hive.serviceWhen('shop:worker', ({ instances }) => instances.length === 1);
    expect(await hive.client.exportState()).toMatchObject({ intents: [{ name: 'shop:*', wanted: 'up' }], scales: [] });
    await hive.restartAfterKill();
    expect(await hive.client.exportState()).toMatchObject({ intents: [{ name: 'shop:*', wanted: 'up' }], scales: [] });
  });

  it('refuse what is no name, and change nothing', async () => {
    const hive = await daemon();
    await expect(hive.client.importState({ intents: [{ name: 'shop:web', wanted: 'up' }, { name: '../x', wanted: 'up' }] })).rejects.toMatchObject({ code: 'INVALID_PARAMS' });
    await expect(hive.client.importState({ plugins: [{ plugin: '../x', choice: 'enabled' }] })).rejects.toMatchObject({ code: 'INVALID_PARAMS' });
    expect((await hive.client.exportState()).intents).toEqual([]);
  });
});

describe('source.text', () => {
  it('is what is live, also while the file is broken, and names the dotenv files', async () => {
    const hive = await daemon();
    const text = `version: "1"\nenvironment: {dotenv: {files: [.env]}}\nservices:\n  web: ${sleeper} # a remark\n`;
    const folder = hive.writeSource('shop', text);
    writeFileSync(join(folder, '.env'), 'TOKEN=abc\n');
    await hive.client.addSource({ path: folder, name: 'shop' });
    writeFileSync(join(folder, '.adi/hive.yaml'), 'version: "1"\nservices: [');
    await expect(hive.client.reloadSource({ name: 'shop' })).rejects.toMatchObject({ code: 'INVALID_CONFIG' });
    expect(await hive.client.getSourceText({ name: 'shop' })).toEqual({ name: 'shop', text, dotenv: [join(folder, '.env')] });
  });
});

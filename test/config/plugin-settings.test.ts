import { describe, expect, it } from '@jest/globals';
import { readSettings as autoscaler } from '../../plugins/autoscaler/settings.js';
import { readSettings as crashNotifier } from '../../plugins/crash-notifier/settings.js';
import { readSettings as proxy } from '../../plugins/proxy/settings.js';
import { configJsonSchema } from '../../shared/config/json-schema.js';
import { readDeclarations } from '../../shared/config/plugin-settings.js';
import { shippedSettings } from '../../shared/config/shipped-settings.js';
import { problemsOf, specOf } from './load.js';

const pager = readDeclarations({
  every: { type: 'duration', least: '1s', most: '1h', default: '30s', description: 'How often.' },
  largest: { type: 'size', most: '1GB', description: 'How much.' },
  times: { type: 'number', least: 1, most: 9, description: 'How many times.' },
  quiet: { type: 'flag', description: 'Say nothing.' },
  to: { type: ['text', 'texts'], description: 'Whom.' },
  rest: { type: 'any', description: 'Whatever.' },
});
const file = (settings: string): string => `version: "1"\nplugins:\n  pager: ${settings}\n  other: {anything: goes}\nservices: {}\n`;
const problems = (settings: string) => problemsOf(file(settings), { pluginSettings: { pager } });

describe('settings of plugins that declare theirs', () => {
  it.each(['{}', '{enabled: true}', '{every: 30s, largest: 10MB, times: 3, quiet: true, to: me, rest: {a: 1}}', '{to: [me, you]}', '{every: 1h}'])('%s is right', (settings) => {
    expect(problems(settings)).toEqual([]);
    expect(specOf(file('{every: 30s}'), { pluginSettings: { pager } }).plugins['pager']).toEqual({ every: '30s' });
  });

  it.each([
    ['{evry: 30s}', { code: 'UNKNOWN_KEY', path: 'plugins.pager.evry', line: 3, column: 11, suggestion: 'every', message: 'Unknown key "evry" in plugins.pager: did you mean "every"?' }],
    ['{every: 30}', { path: 'plugins.pager.every', line: 3, column: 18, expected: 'How often.', message: expect.stringContaining('has no unit: write 30s') as unknown }],
    ['{every: 10ms}', { path: 'plugins.pager.every', message: expect.stringContaining('is not between 1s and 1h') as unknown }],
    ['{largest: 2GB}', { path: 'plugins.pager.largest', message: expect.stringContaining('is more than 1GB') as unknown }],
    ['{times: 10}', { path: 'plugins.pager.times', message: expect.stringContaining('is not between 1 and 9') as unknown }],
    ['{quiet: perhaps}', { path: 'plugins.pager.quiet' }],
    ['{to: 3}', { path: 'plugins.pager.to', message: expect.stringContaining('must be a text or a list') as unknown }],
    ['{enabled: perhaps}', { path: 'plugins.pager.enabled' }],
  ])('%s is refused at its place', (settings, problem) => {
    expect(problems(settings)).toEqual([expect.objectContaining(problem)]);
  });

  it('are left to the plugins where these declare nothing', () => {
    expect(problemsOf(file('{evry: 30}'))).toEqual([]);
  });

  it('are in the schema for editors', () => {
    expect(configJsonSchema({ pager })).toMatchObject({ properties: { plugins: { properties: { pager: { properties: { enabled: {}, every: { default: '30s', description: 'How often.' } }, additionalProperties: false } } } } });
  });

  it.each([
    [{ every: { type: 'eternity' } }, /every .* has another type/],
    [{ every: { type: 'duration', least: 5 } }, /bound of the setting every/],
    [{ every: 'often' }, /every .* not an object/],
    [[], /not an object/],
  ])('a declaration like %j is refused', (declared, sentence) => {
    expect(() => readDeclarations(declared)).toThrow(sentence);
  });

  const defaultsOf = (plugin: string): Record<string, unknown> => Object.fromEntries(Object.entries(shippedSettings()[plugin] ?? {}).flatMap(([name, setting]) => (setting.default === undefined ? [] : [[name, setting.default]])));

  it('come from the manifests of what ships with Hive, with the defaults that hold', () => {
    expect(Object.keys(shippedSettings())).toEqual(expect.arrayContaining(['autoscaler', 'crash-notifier', 'proxy']));
    expect(autoscaler(defaultsOf('autoscaler'))).toEqual(autoscaler({}));
    expect(proxy(defaultsOf('proxy'))).toEqual(proxy({}));
    expect(crashNotifier({ command: 'true', ...defaultsOf('crash-notifier') })).toEqual(crashNotifier({ command: 'true' }));
  });
});

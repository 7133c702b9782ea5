import { describe, expect, it } from '@jest/globals';
import { wantOf, type WantInputs } from '../../daemon/plugins/wants.js';
import type { Activation } from '../../shared/protocol/link.js';

const want = (activation: Activation, rest: Partial<WantInputs> = {}) =>
  wantOf({ manifest: { id: 'proxy', activation, settingsFromEnvironment: { url: ['PROXY_URL'] } }, choice: 'default', settings: {}, variables: {}, someServiceHas: () => false, ...rest });

describe('which plugins are wanted', () => {
  it.each<[string, ReturnType<typeof want>, boolean, RegExp]>([
    ['always', want({ kind: 'always' }), true, /runs unless/],
    ['always, disabled by hand', want({ kind: 'always' }, { choice: 'disabled' }), false, /disabled by hand: hivectl plugin enable proxy/],
    ['always, disabled in hive.yaml', want({ kind: 'always' }, { settings: { enabled: false } }), false, /plugins.proxy.enabled: false/],
    ['only when enabled', want({ kind: 'enabled' }), false, /only when asked to/],
    ['enabled in hive.yaml', want({ kind: 'enabled' }, { settings: { enabled: true } }), true, /plugins.proxy.enabled: true/],
    ['enabled in hive.yaml, disabled by hand', want({ kind: 'enabled' }, { settings: { enabled: true }, choice: 'disabled' }), false, /by hand/],
    ['disabled in hive.yaml, enabled by hand', want({ kind: 'enabled' }, { settings: { enabled: false }, choice: 'enabled' }), true, /by hand/],
    ['none of its settings', want({ kind: 'setting', anyOf: ['command', 'webhook'] }), false, /once hive.yaml sets plugins.proxy.command or plugins.proxy.webhook/],
    ['one of its settings', want({ kind: 'setting', anyOf: ['command', 'webhook'] }, { settings: { webhook: 'x' } }), true, /plugins.proxy.webhook is set/],
    ['a setting that a variable would set', want({ kind: 'setting', anyOf: ['url'] }), false, /once hive.yaml sets plugins.proxy.url, or the daemon's environment PROXY_URL/],
    ['a setting that a variable sets', want({ kind: 'setting', anyOf: ['url'] }, { settings: { url: 'x' }, variables: { url: 'PROXY_URL' } }), true, /^PROXY_URL is set/],
    ['no service with a route', want({ kind: 'serviceHas', feature: 'route' }), false, /once a service has a proxy route/],
    ['a service with a route', want({ kind: 'serviceHas', feature: 'route' }, { someServiceHas: (feature) => feature === 'route' }), true, /A service has a proxy route/],
    ['a service with a scale section', want({ kind: 'serviceHas', feature: 'scale' }, { someServiceHas: (feature) => feature === 'scale' }), true, /a scale section/],
  ])('%s', (_, { wanted, reason }, expected, said) => {
    expect(wanted).toBe(expected);
    expect(reason).toMatch(said);
  });
});

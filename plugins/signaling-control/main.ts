import { HiveError, definePlugin, runPlugin } from '../../shared/plugin/index.js';
import { SignalingControl } from './signaling-control.js';
import { pluginVersion } from './version.js';

/*
 * Between a signaling server and the daemon: what the server asks for becomes services of the source "cocoons", and what
 * became of it is answered. It listens to events by a subscription of its own, which begins at a snapshot: what happened
 * while it was away does not matter to it, only what is there.
 */
let control: SignalingControl | null = null;

await runPlugin(definePlugin({
  name: 'signaling-control',
  version: pluginVersion,
  events: [],

  async init(client, context) {
    control = await SignalingControl.start(client, context);
  },

  onConfig: (config) => control?.configure(config),

  onCall(method) {
    if (method === 'status' && control !== null) return control.status();
    throw new HiveError('NOT_FOUND', `signaling-control has no method "${method}".`, { next: 'There is status.' });
  },

  shutdown: () => control?.stop(),
}));

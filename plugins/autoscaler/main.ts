import { definePlugin, HiveError, runPlugin, type DaemonClient, type HiveEvent, type PluginContext } from '../../shared/plugin/index.js';
import { answer, type Parts } from './answers.js';
import { Autoscaler } from './autoscaler.js';
import { Pauses } from './pauses.js';
import { readSettings, type Settings } from './settings.js';

/*
 * Starts and stops instances of services that have a `scale` section, as their CPU and memory use asks for. Deciding is
 * decide.ts, a pure function; autoscaler.ts looks, asks it and does. Whoever else scales a service has the last word on
 * it, until somebody says `resume`.
 */

/** Without a look for so many check intervals, and this long, something hangs that nobody foresaw: a new process is better. */
const silentChecks = 3;
const silentAtLeastMs = 60_000;

let parts: Parts;
let me: PluginContext;
let settings: Settings;

await runPlugin(definePlugin({
  name: 'autoscaler',
  version: '1.0.0',
  events: ['service.scaled', 'service.deleted'],

  async init(client, context) {
    me = context;
    settings = readSettings(context.config);
    const pauses = await Pauses.open(context.dataDir, (sentence) => context.log('warn', sentence));
    const autoscaler = new Autoscaler(client, context, pauses, settings);
    parts = { client, autoscaler, pauses, settings: () => settings };
    autoscaler.start();
    setInterval(() => endWhenSilent(autoscaler), silentAtLeastMs / 6).unref();
  },

  async onEvent(event) {
    if (event.type === 'service.deleted' && !parts.pauses.wasSeen(event)) await parts.pauses.resume(event.service);
    if (event.type === 'service.scaled') await heedOthers(event, parts.client);
  },

  onConfig(config) {
    settings = readSettings(config);
    parts.autoscaler.configure(settings);
  },

  onCall: (method, params) => answer(parts, method, params),
  shutdown: () => parts?.autoscaler.stop(),
}));

/** Whoever asks for a number of instances and is not this plugin means it: the service is left alone from then on. */
async function heedOthers({ epoch, seq, time, service: fqn, to, cause }: Extract<HiveEvent, { type: 'service.scaled' }>, client: DaemonClient): Promise<void> {
  if (typeof cause !== 'object' || cause.request !== 'services.scale' || cause.by === `plugin ${me.id}`) return;
  if (parts.pauses.wasSeen({ epoch, seq })) return;
  const service = await client.getService({ fqn }).catch((thrown: unknown) => {
    if (thrown instanceof HiveError && thrown.code === 'NOT_FOUND') return null;
    throw thrown;
  });
  // What it has no say in, it need not be kept from.
  if (service?.scale === undefined) return;
  await parts.pauses.pause(fqn, { by: cause.by, since: time, instances: to }, { epoch, seq });
  me.log('info', `${fqn} is left alone: ${cause.by} chose ${to}. hivectl plugin call autoscaler resume ${fqn} lets it be scaled again.`);
}

function endWhenSilent(autoscaler: Autoscaler): void {
  const limitMs = Math.max(silentAtLeastMs, silentChecks * settings.checkIntervalMs);
  if (autoscaler.silentForMs < limitMs) return;
  me.log('error', `Nothing was looked at for ${Math.round(autoscaler.silentForMs / 1_000)} s; it starts anew.`);
  process.exit(1);
}

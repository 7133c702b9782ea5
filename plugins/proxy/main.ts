import { definePlugin, runPlugin } from '../../shared/plugin/index.js';
import { parseListenAddress } from './front-door/listen-address.js';
import { serveMetrics } from './observe/serve-metrics.js';
import { readSettings } from './settings.js';
import { TableKeeper } from './table-keeper.js';

/*
 * Between the daemon's route table and the processes that serve by it. The table's newest version is applied, and then
 * acknowledged or refused with a reason; what an operator sees of a taken address is such a refusal. When the link to the
 * daemon is lost, the front door serves on by the last table, and the next plugin takes it over.
 */
const stopLimitMs = 3_000;

let keeper: TableKeeper | null = null;

await runPlugin(definePlugin({
  name: 'proxy',
  version: '1.0.0',
  events: [],

  async init(client, context) {
    const settings = readSettings(context.config);
    const kept = (keeper = new TableKeeper(client, context, settings));
    client.onRoutes((table) => kept.want(table));
    kept.want(await client.subscribeRoutes({ drainMs: settings.drainLimitMs }));
    if (settings.metrics !== null) await serveMetrics(parseListenAddress(settings.metrics), () => kept.figures());
  },

  async shutdown(reason) {
    if (reason === 'asked') await keeper?.stop(stopLimitMs);
    else keeper?.leave();
  },
}));

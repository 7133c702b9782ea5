import { readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { definePlugin, HiveError, runPlugin } from 'hive/plugin';

/** Crashes by service, kept in counts.json together with the event up to which they were counted. */
interface Counts { seq: number; crashes: Record<string, number> }

let file = '';
let counts: Counts = { seq: 0, crashes: {} };

await runPlugin(definePlugin({
  name: 'uptime-report',
  version: '1.0.0',
  events: ['service.crashed'],

  async init(client, context) {
    file = join(context.dataDir, 'counts.json');
    const text = await readFile(file, 'utf8').catch(() => null);
    if (text !== null) counts = JSON.parse(text) as Counts;
    const { services } = await client.listServices();
    context.log('info', `Watching ${services.length} services; ${Object.keys(counts.crashes).length} have crashed before.`);
  },

  // The same event may come again after a crash of this plugin; its number tells.
  async onEvent(event) {
    if (event.type !== 'service.crashed' || event.seq <= counts.seq) return;
    const crashes = { ...counts.crashes, [event.service]: (counts.crashes[event.service] ?? 0) + 1 };
    counts = { seq: event.seq, crashes };
    await writeFile(`${file}.new`, JSON.stringify(counts));
    await rename(`${file}.new`, file);
  },

  onCall(method) {
    if (method === 'report') return counts.crashes;
    throw new HiveError('METHOD_NOT_FOUND', `uptime-report has no method ${method}.`, { next: 'Call report.' });
  },
}));

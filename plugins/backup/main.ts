import { definePlugin, runPlugin, type CallContext, type DaemonClient, HiveError } from '../../shared/plugin/index.js';
import { Backups } from './backups.js';
import { readFrom } from './read-from.js';
import { HistoryFile } from './schedule/history-file.js';
import { readSettings, type Settings } from './settings.js';

/*
 * Backs up what a daemon is made of, by interval, after crashes and when asked, and restores it (docs/backup.md). This
 * process keeps time and speaks with the daemon; each job has a process of its own (worker/worker.ts).
 */
let settings: Settings;
let backups: Backups;
let daemon: DaemonClient;
let folder: string;

await runPlugin(definePlugin({
  name: 'backup',
  version: '1.0.0',
  events: ['service.crashed'],

  async init(client, { config, dataDir, log }) {
    settings = readSettings(config);
    daemon = client;
    folder = dataDir;
    backups = new Backups(settings, { daemon, dataDir, log, history: await HistoryFile.open(dataDir) });
    if (settings.place === null) log('warn', 'Nothing is backed up: neither plugins.backup.dir nor plugins.backup.s3 is set.');
    await backups.start();
  },

  async onEvent(event) {
    if (event.type === 'service.crashed') await backups.noteCrash(Date.parse(event.time));
  },

  onConfig(config) {
    settings = readSettings(config);
    backups.use(settings);
  },

  onCall(method, params, call) {
    const given = (params ?? {}) as Record<string, unknown>;
    switch (method) {
      case 'status': return backups.status();
      case 'create': return backups.create('asked', following(call));
      case 'list': return backups.list(readFrom(given['from'], settings.key), following(call));
      case 'verify': return backups.verify(readFrom(given['from'], settings.key), textOf(given, 'id'), following(call));
      case 'restore': return restore(given, call);
      default: throw new HiveError('METHOD_NOT_FOUND', `The backup plugin has no method ${method}.`, { next: 'It has status, create, list, verify and restore.' });
    }
  },

  shutdown: () => backups?.close(),
}));

async function restore(given: Record<string, unknown>, call: CallContext): Promise<unknown> {
  const from = readFrom(given['from'], settings.key);
  const order = { id: textOf(given, 'id'), only: textOf(given, 'only'), apply: given['apply'] === true, dataDir: folder };
  const { restore: run } = await import('./restore/restore.js');
  return backups.restore(({ vault, job }) => run({ ...order, vault: from ?? vault() }, daemon, job(following(call))));
}

function following(call: CallContext): { signal: AbortSignal; tell: (step: object) => void } {
  return { signal: call.signal, tell: (step) => call.progress(step) };
}

function textOf(given: Record<string, unknown>, name: string): string | null {
  const value = given[name] ?? null;
  if (value === null || (typeof value === 'string' && value !== '')) return value;
  throw new HiveError('INVALID_PARAMS', `${name} is not a text.`);
}

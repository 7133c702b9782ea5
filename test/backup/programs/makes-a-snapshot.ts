import { sampleSources } from '../sample.js';
import type { Vault } from '../../../plugins/backup/place.js';
import { create, type CreateOrder } from '../../../plugins/backup/worker/create.js';
import { existsSync } from 'node:fs';

/** Makes one snapshot of what lies in a folder: `<folder> <vault as JSON> <id> <data folder> <what it keeps>`. */
const [folder = '', vault = '', id = '', dataDir = '', last = '2'] = process.argv.slice(2);
const order: CreateOrder = {
  id, dataDir,
  vault: JSON.parse(vault) as Vault,
  reason: 'asked', includeSecrets: true, abandoned: [],
  keep: { last: Number(last), hourly: 0, daily: 0, weekly: 0 },
  exported: sampleSources(folder, { isThere: existsSync(`${folder}/jobs.db`) }),
};
await create(order, () => undefined);

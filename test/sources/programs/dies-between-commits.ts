/**
 * A daemon's sources in a process of their own, killed by SIGKILL once the source's own file holds a change and state.db
 * does not. Arguments: home, database, how many commits to state.db still happen.
 */
import { pino } from 'pino';
import { SourceManager } from '../../../daemon/sources/source-manager.js';
import { StateStore, type Transaction } from '../../../daemon/state/state-store.js';

const [home = '', database = '', commits = '0'] = process.argv.slice(2);

class DyingStore extends StateStore {
  left = Number(commits);

  override commit<T>(work: (tx: Transaction) => T): Promise<T> {
    if (this.left === 0) process.kill(process.pid, 'SIGKILL');
    this.left -= 1;
    return super.commit(work);
  }
}

const supervisor = { applySource: () => undefined, stopAll: async () => undefined, dropSource: () => undefined, stopAndDrop: async () => undefined };
const sources = new SourceManager({ home, store: new DyingStore(`${home}/state.db`), supervisor, log: pino({ level: 'silent' }), environment: {} });
const cause = { request: 'services.create', by: 'the program' };
await sources.load();
await sources.add({ path: database }, cause);
for (let index = 0; ; index += 1) {
  await sources.createService({ source: 'jobs', name: `job${index}`, config: { runner: { type: 'script', script: { run: 'sleep 1' } } } }, cause);
  process.stdout.write(`job${index}\n`);
}

/**
 * A process that rotates one service's log and, at a named step, kills itself:
 * `node rotating-daemon.js HOME STEP NTH MAX_SIZE [FALLOCATE]`. STEP "none": it runs until it is killed.
 */
import { LogStore } from '../../../daemon/logs/log-store.js';

const [, , home = '', wanted = 'none', nth = '1', maxSize = '65536', fallocate = 'fallocate'] = process.argv;
let left = Number(nth);

const store = new LogStore({
  home,
  fallocate,
  warn: (sentence) => console.error(sentence),
  onRotationStep: (step) => {
    if (step === wanted && (left -= 1) === 0) process.kill(process.pid, 'SIGKILL');
  },
});
console.log('here');
await store.recover();
store.track({ source: 'shop', service: 'web', number: 1 }, { maxSizeBytes: Number(maxSize), maxFiles: 1_000_000 });
// The store's own timer lets a process end; a daemon has other work.
setInterval(() => undefined, 1_000_000);

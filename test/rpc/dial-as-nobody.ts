import { HiveError } from '../../shared/errors/hive-error.js';
import { dialRpc } from '../../shared/rpc/index.js';

/** Gives up root, then dials the socket it is given and reports how that went. */
process.setgid?.(65534);
process.setuid?.(65534);
try {
  (await dialRpc(process.argv[2] ?? '', { name: 'the daemon' })).close();
  process.send?.({ code: 'CONNECTED', message: '' });
} catch (thrown) {
  if (thrown instanceof HiveError) process.send?.({ code: thrown.code, message: thrown.message });
  else throw thrown;
}
process.disconnect();

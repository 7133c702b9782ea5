import { DaemonClient } from '../../shared/client/index.js';

/** Subscribes from the journal's beginning and sends its parent how many events a second came, over the given number. */
const [socket = '', events = '0'] = process.argv.slice(2);

const client = await DaemonClient.connect({ socket });
let beganAtMs = 0;
let seen = 0;
setTimeout(() => {
  throw new Error(`only ${seen} of ${events} events came within a minute`);
}, 60_000);
client.onEvents((batch) => {
  client.acknowledgeEvents(batch);
  seen += batch.events.length;
  if (seen >= Number(events)) process.send?.(seen / ((performance.now() - beganAtMs) / 1000), () => process.exit());
});
beganAtMs = performance.now();
await client.subscribeEvents({ from: 0 });

import { definePlugin, runPlugin, type DaemonClient } from '../../shared/plugin/index.js';
import { Delivery, type DeliveryOptions } from './delivery.js';
import { notificationOf, type Notification } from './notification.js';
import { Outbox } from './outbox.js';
import { postWebhook } from './post-webhook.js';
import { runCommand } from './run-command.js';
import { defaultEvents, readSettings, type Settings } from './settings.js';

/*
 * Runs a command or posts to a webhook when a service crashes or is given up. An event is acknowledged when its
 * notification is on disk, so a slow webhook holds up nothing, and a killed plugin loses nothing.
 */
const stopMs = 2_000;

let daemon: DaemonClient;
let delivery: Delivery;

await runPlugin(definePlugin({
  name: 'crash-notifier',
  version: '1.0.0',
  events: (config) => {
    try {
      return readSettings(config).events;
    } catch {
      // `init` says what is wrong with them.
      return defaultEvents;
    }
  },

  async init(client, { config, dataDir, log }) {
    const settings = readSettings(config);
    daemon = client;
    delivery = new Delivery({ outbox: await Outbox.open(dataDir), targets: targetsOf(settings), retries: settings.retries, log });
    const left = await delivery.resume();
    if (left > 0) log('info', `${left} notifications were left to deliver.`);
  },

  async onEvent(event) {
    if (event.type === 'gap') return;
    const notification = await notificationOf(event, daemon);
    await delivery.add(notification.id, JSON.stringify(notification));
  },

  shutdown: () => delivery?.stop(stopMs),
}));

function targetsOf({ command, webhook, headers, timeoutMs }: Settings): DeliveryOptions['targets'] {
  return {
    ...(command === null ? {} : { command: (content: string) => runCommand(command, content, timeoutMs) }),
    ...(webhook === null ? {} : {
      webhook: (content: string) => postWebhook({ url: webhook, headers, id: (JSON.parse(content) as Notification).id, content, timeoutMs }),
    }),
  };
}

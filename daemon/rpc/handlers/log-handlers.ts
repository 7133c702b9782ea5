import type { LogStore } from '../../logs/log-store.js';
import type { Handlers } from '../dispatch.js';

type LogMethods = Extract<keyof Handlers, `logs.${string}`>;

export function logHandlers(logs: LogStore): Pick<Handlers, LogMethods> {
  return {
    'logs.get': async (query) => ({ lines: await logs.get(query) }),
    'logs.subscribe': async (query, { session }) => {
      const following = logs.follow(query, async (lines) => {
        session.rpc.notify('log', { subscription, lines });
        await session.rpc.whenWritable();
      });
      const subscription = session.hold('logs', () => following.close());
      await following.started;
      return { subscription };
    },
    'logs.unsubscribe': ({ subscription }, { session }) => {
      session.release(subscription);
      return {};
    },
  };
}

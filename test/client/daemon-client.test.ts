import { afterEach, describe, expect, it } from '@jest/globals';
import { HiveError } from '../../shared/errors/hive-error.js';
import { DaemonClient } from '../../shared/client/index.js';
import { methods } from '../../shared/protocol/methods.js';
import { startSmallServer, type Answer, type SmallServer } from './small-server.js';

let server: SmallServer | undefined;
let client: DaemonClient | undefined;

async function connected(answers: Record<string, Answer>): Promise<{ client: DaemonClient; server: SmallServer }> {
  server = await startSmallServer(answers);
  client = await DaemonClient.connect({ home: server.home });
  return { client, server };
}

afterEach(async () => {
  client?.close();
  await server?.close();
});

const logLine = (message: string) => ({
  fqn: 'default:web', instance: 'default:web#1', time: '2026-01-01T00:00:00.000Z', stream: 'stdout', level: 'info', message,
});
const event = (seq: number) => ({ epoch: 'e', seq, time: '2026-01-01T00:00:00.000Z', type: 'source.removed', source: 'a' });
const snapshot = { services: [], sources: [], plugins: [] };

describe('DaemonClient', () => {
  it('has a method for every row of the table, and each calls its row', async () => {
    const answers = Object.fromEntries(Object.keys(methods).map((name): [string, Answer] => [name, () => ({ answered: name })]));
    const { client } = await connected(answers);
    for (const [name, row] of Object.entries(methods)) {
      const callRow = client[row.client] as (params: object) => Promise<unknown>;
      expect(await callRow.call(client, {})).toEqual({ answered: name });
    }
  });

  it('sends the params of the call and rejects with the error that the daemon sent', async () => {
    const { client, server } = await connected({
      'source.add': () => {
        throw new HiveError('NOT_FOUND', 'There is no folder /nowhere.', { next: 'Make it.', data: { path: '/nowhere' } });
      },
    });
    const error = await client.addSource({ path: '/nowhere' }).catch((thrown: unknown) => thrown);
    expect(server.calls).toEqual([{ method: 'source.add', params: { path: '/nowhere' } }]);
    expect(error).toBeInstanceOf(HiveError);
    expect((error as HiveError).data).toEqual({ code: 'NOT_FOUND', next: 'Make it.', path: '/nowhere' });
  });

  it('passes progress on and gives a call up at its deadline', async () => {
    const seen: unknown[] = [];
    const { client } = await connected({
      'services.wait': (_params, context) => {
        context.progress('half way');
        return new Promise(() => {});
      },
    });
    const call = client.waitForService({ fqn: 'default:web', for: 'healthy' }, { deadlineMs: 200, onProgress: (value) => seen.push(value) });
    await expect(call).rejects.toMatchObject({ code: 'TIMEOUT' });
    expect(seen).toEqual(['half way']);
  });

  it('says that nobody answers', async () => {
    await expect(DaemonClient.connect({ socket: '/nowhere/hive.sock' })).rejects.toMatchObject({ code: 'DAEMON_UNREACHABLE' });
  });

  it('iterates over events that came right behind the answer, and acknowledges what was taken', async () => {
    const { client, server } = await connected({
      'events.subscribe': (_params, _context, connection) => {
        setImmediate(() => {
          connection.notify('event', { epoch: 'e', events: [event(8)], through: 8 });
          connection.notify('event', { epoch: 'e', events: [event(9)], through: 10 });
        });
        return { snapshot, epoch: 'e', seq: 7 };
      },
      'events.unsubscribe': () => ({}),
    });
    const followed = await client.followEvents({ from: 'now' });
    expect(followed.seq).toBe(7);
    const seen: number[] = [];
    for await (const batch of followed.batches) {
      seen.push(...batch.events.map(({ seq }) => seq));
      if (seen.length === 2) break;
    }
    expect(seen).toEqual([8, 9]);
    expect(server.calls.map(({ method }) => method)).toEqual(['events.subscribe', 'events.unsubscribe']);
    expect(server.notifications).toEqual([{ method: 'events.ack', params: { epoch: 'e', seq: 8 } }]);
  });

  it('keeps two log subscriptions apart, with lines that came before the answer', async () => {
    let count = 0;
    const { client, server } = await connected({
      'logs.subscribe': (_params, _context, connection) => {
        const subscription = `s${++count}`;
        connection.notify('log', { subscription, lines: [logLine(`first of ${subscription}`)] });
        return { subscription };
      },
      'logs.unsubscribe': () => ({}),
    });
    const one = await client.followLogs({});
    const two = await client.followLogs({});
    expect((await two.next()).value).toMatchObject({ lines: [{ message: 'first of s2' }] });
    expect((await one.next()).value).toMatchObject({ lines: [{ message: 'first of s1' }] });
    await one.return?.();
    await two.return?.();
    expect(server.calls.slice(2)).toEqual([
      { method: 'logs.unsubscribe', params: { subscription: 's1' } },
      { method: 'logs.unsubscribe', params: { subscription: 's2' } },
    ]);
  });

  it('ends the iteration with an error when the daemon goes away', async () => {
    const { client, server } = await connected({ 'logs.subscribe': () => ({ subscription: 's' }) });
    const lines = await client.followLogs({});
    const next = lines.next();
    for (const connection of server.connections) connection.close();
    await expect(next).rejects.toMatchObject({ code: 'CONNECTION_CLOSED' });
    await expect(client.status()).rejects.toMatchObject({ code: 'CONNECTION_CLOSED' });
  });
});

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connectRpc, listenRpc, type RequestContext, type RpcConnection } from '../../shared/rpc/index.js';

export type Answer = (params: unknown, context: RequestContext, connection: RpcConnection) => unknown;

/** A real RPC server on a real socket that answers what the test says. */
export interface SmallServer {
  readonly home: string;
  readonly calls: { method: string; params: unknown }[];
  readonly notifications: { method: string; params: unknown }[];
  readonly connections: RpcConnection[];
  close(): Promise<void>;
}

export async function startSmallServer(answers: Record<string, Answer>): Promise<SmallServer> {
  const home = await mkdtemp(join(tmpdir(), 'hive-client-'));
  const calls: SmallServer['calls'] = [];
  const notifications: SmallServer['notifications'] = [];
  const connections: RpcConnection[] = [];
  const server = await listenRpc(join(home, 'hive.sock'), (socket) => {
    const connection: RpcConnection = connectRpc(socket, {
      name: 'a client',
      onRequest: (method, params, context) => {
        calls.push({ method, params });
        const answer = answers[method];
        if (answer === undefined) throw new Error(`the test does not answer ${method}`);
        return answer(params, context, connection);
      },
      onNotification: (method, params) => void notifications.push({ method, params }),
    });
    connections.push(connection);
  });
  return {
    home,
    calls,
    notifications,
    connections,
    close: async () => {
      server.close();
      for (const connection of connections) connection.close();
      await rm(home, { recursive: true, force: true });
    },
  };
}

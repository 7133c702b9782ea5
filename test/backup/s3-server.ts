import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, request, type IncomingHttpHeaders, type Server } from 'node:http';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Which S3 the tests speak with: there is no other on a bare machine, and none on the network. */
export const serverName = `s3rver ${(createRequire(import.meta.url)('s3rver/package.json') as { version: string }).version}`;
export const credentials = { AWS_ACCESS_KEY_ID: 'S3RVER', AWS_SECRET_ACCESS_KEY: 'S3RVER' };

/** It has no types of its own. */
const untypedModule: string = 's3rver';

interface S3rver {
  run(): Promise<AddressInfo>;
  close(): Promise<void>;
}
type S3rverClass = new (options: { port: number; address: string; silent: boolean; directory: string; configureBuckets: { name: string; configs: string[] }[] }) => S3rver;

interface Seen { readonly method: string; readonly path: string; readonly headers: IncomingHttpHeaders }

/** A server that speaks S3, on loopback, with its objects in a folder; and what it was asked. */
export class S3Server {
  /** Told of each request before it is passed on; what it answers is done before the answer comes back. */
  onRequest: (seen: Seen) => Promise<void> | void = () => undefined;
  /** What becomes of the content of each answer to GET. */
  spoil: (content: Buffer, seen: Seen) => Buffer = (content) => content;

  private constructor(private readonly s3: S3rver, private readonly front: Server, private readonly directory: string, readonly endpoint: string, readonly seen: readonly Seen[]) {}

  static async start(...buckets: string[]): Promise<S3Server> {
    const { default: S3rverServer } = (await import(untypedModule)) as { default: S3rverClass };
    const directory = mkdtempSync(join(tmpdir(), 'hive-s3-'));
    const s3 = new S3rverServer({ port: 0, address: '127.0.0.1', silent: true, directory, configureBuckets: buckets.map((name) => ({ name, configs: [] })) });
    const { port } = await s3.run();
    const seen: Seen[] = [];
    // In between, so that a test sees what is asked and may interfere; the host stays what was signed.
    const front = createServer((incoming, outgoing) => {
      const asked: Seen = { method: incoming.method ?? '', path: incoming.url ?? '', headers: incoming.headers };
      seen.push(asked);
      void (async () => {
        await server.onRequest(asked);
        const passed = request({ host: '127.0.0.1', port, method: incoming.method, path: incoming.url, headers: incoming.headers }, (answer) => {
          const parts: Buffer[] = [];
          answer.on('data', (part: Buffer) => void parts.push(part));
          answer.on('end', () => {
            const whole = Buffer.concat(parts);
            outgoing.writeHead(answer.statusCode ?? 502, answer.headers).end(incoming.method === 'GET' ? server.spoil(whole, asked) : whole);
          });
        });
        passed.on('error', () => outgoing.destroy());
        incoming.pipe(passed);
      })();
    });
    await new Promise<void>((resolve) => front.listen(0, '127.0.0.1', resolve));
    const endpoint = `http://127.0.0.1:${(front.address() as AddressInfo).port}`;
    const server: S3Server = new S3Server(s3, front, directory, endpoint, seen);
    return server;
  }

  async stop(): Promise<void> {
    this.front.closeAllConnections();
    this.front.close();
    await this.s3.close();
    rmSync(this.directory, { recursive: true, force: true });
  }
}

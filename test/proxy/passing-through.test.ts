import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer, request as httpRequest, type IncomingMessage, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from '@jest/globals';
import { until } from '../support/until.js';
import { exchangeRaw, RawClient } from './support/raw-client.js';
import { startRawBackend } from './support/raw-backend.js';
import { endpointsAt, route, startProxy, type TestProxy } from './support/test-proxy.js';
import type { Route } from '../../plugins/proxy/routes/route-table.js';

const cleanUps: (() => Promise<unknown>)[] = [];

afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

async function httpBackend(listener: RequestListener): Promise<Server & { port: number }> {
  const server = createServer(listener).listen(0, '127.0.0.1');
  await once(server, 'listening');
  cleanUps.push(async () => {
    server.closeAllConnections();
    server.close();
  });
  return Object.assign(server, { port: (server.address() as AddressInfo).port });
}

async function inFrontOf(port: number, of: Partial<Route> = {}): Promise<TestProxy> {
  const proxy = await startProxy([route({ endpoints: endpointsAt(port), ...of })]);
  cleanUps.push(() => proxy.close());
  return proxy;
}

async function textOf(stream: IncomingMessage): Promise<string> {
  let text = '';
  for await (const piece of stream) text += String(piece);
  return text;
}

describe('bodies', () => {
  it('passes 64 MB each way, framed by length and in chunks, byte for byte', async () => {
    const backend = await httpBackend((request, response) => {
      // An echo that never holds more than a pipe does.
      const length = request.headers['content-length'];
      response.writeHead(200, length === undefined ? {} : { 'Content-Length': length });
      request.pipe(response);
    });
    const { port } = await inFrontOf(backend.port);
    const block = randomBytes(1 << 20);
    const blocks = 64;
    for (const headers of [{ 'Content-Length': String(blocks * block.length) }, {}]) {
      const request = httpRequest({ port, host: '127.0.0.1', method: 'POST', headers });
      const answered = once(request, 'response') as Promise<[IncomingMessage]>;
      const [sent, received] = [createHash('sha256'), createHash('sha256')];
      const writing = (async () => {
        for (let index = 0; index < blocks; index++) {
          sent.update(block);
          if (!request.write(block)) await once(request, 'drain');
        }
        request.end();
      })();
      const [response] = await answered;
      for await (const piece of response) received.update(piece as Buffer);
      await writing;
      expect(received.digest('hex')).toBe(sent.digest('hex'));
    }
  });

  it('stops reading from a service whose client does not read, and goes on when it does', async () => {
    let sent = 0;
    const total = 256 << 20;
    const backend = await httpBackend((_request, response) => {
      const block = Buffer.alloc(1 << 20, 'x');
      const more = (): void => {
        while (sent < total) {
          sent += block.length;
          if (!response.write(block)) return void response.once('drain', more);
        }
        response.end();
      };
      more();
    });
    const { port } = await inFrontOf(backend.port);
    const memoryBefore = process.memoryUsage().rss;
    const request = httpRequest({ port, host: '127.0.0.1' }).end();
    const [response] = (await once(request, 'response')) as [IncomingMessage];
    // Nobody reads: what is sent comes to a halt at what the buffers on the way hold.
    let last = -1;
    await until(() => {
      const isHalted = sent === last && sent > 0;
      last = sent;
      return isHalted ? true : new Promise((resolve) => setTimeout(() => resolve(undefined), 300));
    }, 'the service to be held back');
    expect(sent).toBeLessThan(total / 4);
    expect(process.memoryUsage().rss - memoryBefore).toBeLessThan(100 << 20);
    let read = 0;
    for await (const piece of response) read += (piece as Buffer).length;
    expect(read).toBe(total);
  });

  it('stops reading from a client whose service does not read', async () => {
    const backend = await startRawBackend((socket) => socket.pause());
    cleanUps.push(() => backend.close());
    const { port } = await inFrontOf(backend.port);
    const client = await RawClient.open(port);
    cleanUps.push(async () => client.close());
    client.send(`POST / HTTP/1.1\r\nHost: a\r\nContent-Length: ${1 << 30}\r\n\r\n`);
    const block = Buffer.alloc(1 << 20);
    for (let written = 0; written < 128; written++) client.socket.write(block);
    let last = -1;
    const left = await until(() => {
      const { writableLength } = client.socket;
      const isHalted = writableLength === last;
      last = writableLength;
      return isHalted ? writableLength : new Promise<undefined>((resolve) => setTimeout(() => resolve(undefined), 300));
    }, 'the client to be held back');
    expect(left).toBeGreaterThan(64 << 20);
  });

  it('passes every event of a stream as it comes', async () => {
    let send: (text: string) => void = () => {};
    const backend = await httpBackend((_request, response) => {
      response.writeHead(200, { 'Content-Type': 'text/event-stream' });
      response.flushHeaders();
      send = (text) => void response.write(text);
    });
    const { port } = await inFrontOf(backend.port);
    const client = await RawClient.open(port);
    client.send('GET / HTTP/1.1\r\nHost: a\r\nAccept: text/event-stream\r\n\r\n');
    await client.receives('text/event-stream');
    for (let event = 0; event < 20; event++) {
      send(`data: ${event}\n\n`);
      await client.receives(`data: ${event}\n\n`);
    }
    client.close();
  });

  it('passes a request on as it comes, and its answer meanwhile', async () => {
    const backend = await httpBackend((request, response) => {
      request.on('data', (piece: Buffer) => response.write(`<${piece.toString()}>`));
      request.on('end', () => response.end('!'));
    });
    const { port } = await inFrontOf(backend.port);
    const client = await RawClient.open(port);
    client.send('POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n');
    for (const word of ['one', 'two', 'three']) {
      client.send(`${word.length.toString(16)}\r\n${word}\r\n`);
      await client.receives(`<${word}>`);
    }
    client.send('0\r\n\r\n');
    await client.receives('!\r\n0\r\n\r\n');
    client.close();
  });

  it('passes trailers both ways', async () => {
    let seen: unknown;
    const backend = await httpBackend((request, response) => {
      request.resume();
      request.on('end', () => {
        seen = [request.trailers, request.headers.te];
        response.writeHead(200, { Trailer: 'X-Sum' });
        response.write('body');
        response.addTrailers({ 'X-Sum': '42' });
        response.end();
      });
    });
    const { port } = await inFrontOf(backend.port);
    const client = await RawClient.open(port);
    client.send('POST / HTTP/1.1\r\nHost: a\r\nTE: trailers\r\nTrailer: X-Check\r\nTransfer-Encoding: chunked\r\n\r\n2;ext="a"\r\nhi\r\n0\r\nX-Check: 7\r\n\r\n');
    await client.receives('0\r\nX-Sum: 42\r\n\r\n');
    expect(seen).toEqual([{ 'x-check': '7' }, 'trailers']);
    client.close();
  });

  it('asks the service before the client has to send, and passes a refusal on instead', async () => {
    const backend = await httpBackend((request, response) => void textOf(request).then((text) => response.end(`got ${text}`)));
    backend.on('checkContinue', (request: IncomingMessage, response: Parameters<RequestListener>[1]) => {
      if (request.url === '/no') return void response.writeHead(413, { Connection: 'close' }).end('too large');
      response.writeContinue();
      backend.emit('request', request, response);
    });
    const { port } = await inFrontOf(backend.port);
    const client = await RawClient.open(port);
    client.send('PUT /yes HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n');
    await client.receives('HTTP/1.1 100 Continue\r\n\r\n');
    client.send('hello');
    await client.receives('got hello');
    client.close();
    const refused = await exchangeRaw(port, 'PUT /no HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n');
    expect(refused.text).toMatch(/^HTTP\/1\.1 413 [^]*\r\nConnection: close\r\n[^]*too large\r\n0\r\n\r\n$/);
  });

  it('knows which answers have no body', async () => {
    const backend = await httpBackend((request, response) => {
      if (request.url === '/204') return void response.writeHead(204).end();
      if (request.url === '/304') return void response.writeHead(304, { ETag: '"x"', 'Content-Length': 99 }).end();
      response.writeHead(200, { 'Content-Length': 5 }).end(request.method === 'HEAD' ? undefined : 'hello');
    });
    const { port } = await inFrontOf(backend.port);
    const client = await RawClient.open(port);
    client.send('HEAD / HTTP/1.1\r\nHost: a\r\n\r\nGET /204 HTTP/1.1\r\nHost: a\r\n\r\nGET /304 HTTP/1.1\r\nHost: a\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
    await client.closes();
    expect(client.text.match(/^HTTP\/1\.1 \d+|^Content-Length: \d+|hello/gim)).toEqual([
      'HTTP/1.1 200', 'Content-Length: 5', 'HTTP/1.1 204', 'HTTP/1.1 304', 'Content-Length: 99', 'HTTP/1.1 200', 'Content-Length: 5', 'hello',
    ]);
  });

  it('serves clients and services of HTTP/1.0', async () => {
    const backend = await startRawBackend((socket) => socket.end('HTTP/1.0 200 OK\r\n\r\nuntil the end'));
    cleanUps.push(() => backend.close());
    const { port } = await inFrontOf(backend.port);
    const old = await exchangeRaw(port, 'GET / HTTP/1.0\r\n\r\n');
    expect(old.text).toMatch(/\r\nConnection: close\r\n\r\nuntil the end$/);
    const young = await exchangeRaw(port, 'GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
    expect(young.text).toMatch(/\r\nTransfer-Encoding: chunked\r\n[^]*\r\n\r\nd\r\nuntil the end\r\n0\r\n\r\n$/);
    expect(backend.received[0]).toContain(`Host: 127.0.0.1:${backend.port}\r\n`);
  });

  it('answers a client that has said it sends nothing more', async () => {
    const backend = await httpBackend((_request, response) => void setTimeout(() => response.end('late'), 50));
    const { port } = await inFrontOf(backend.port);
    const client = await RawClient.open(port, { allowHalfOpen: true });
    client.socket.end('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
    await client.receives('late');
    await client.closes();
  });

  it('uses few connections to a service for many requests', async () => {
    const backend = await startRawBackend();
    cleanUps.push(() => backend.close());
    const { port } = await inFrontOf(backend.port);
    const client = await RawClient.open(port);
    for (let request = 1; request <= 100; request++) {
      client.text = '';
      client.send('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
      await client.receives(/\r\n\r\nok$/);
    }
    expect(backend.received).toHaveLength(1);
    client.close();
  });
});

describe('answers that a service does not finish', () => {
  const unfinished: [string, string][] = [
    ['by length', 'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\npart'],
    ['in chunks', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\npart\r\n'],
    ['in the middle of a chunk', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n8\r\npart'],
    ['that turn out malformed', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\npart\r\n|zz\r\n'],
  ];

  it.each(unfinished)('are cut off: %s', async (_name, text) => {
    const backend = await startRawBackend((socket) => {
      const [first = '', later = ''] = text.split('|');
      socket.write(first);
      setTimeout(() => socket.write(later, () => socket.destroy()), 20);
    });
    cleanUps.push(() => backend.close());
    const { port, proxy } = await inFrontOf(backend.port);
    const client = await exchangeRaw(port, 'GET / HTTP/1.1\r\nHost: a\r\n\r\n');
    expect(client.text).toContain('part');
    expect(client.text).not.toContain('0\r\n\r\n');
    expect(proxy.figures.services['default:web']?.cutOff).toBe(1);
  });

  it('break the connection of a client to whom its end would be the end of the answer', async () => {
    const backend = await startRawBackend((socket) => {
      socket.write('HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\npart');
      setTimeout(() => socket.destroy(), 20);
    });
    cleanUps.push(() => backend.close());
    const closing = await startRawBackend((socket) => {
      socket.write('HTTP/1.1 200 OK\r\n\r\npart');
      setTimeout(() => socket.resetAndDestroy(), 20);
    });
    cleanUps.push(() => closing.close());
    const ofClosing = await inFrontOf(closing.port);
    const client = await exchangeRaw(ofClosing.port, 'GET / HTTP/1.0\r\n\r\n');
    expect(client.error?.code).toBe('ECONNRESET');
    const young = await exchangeRaw(ofClosing.port, 'GET / HTTP/1.1\r\nHost: a\r\n\r\n');
    expect(young.text).not.toContain('0\r\n\r\n');
    const ofLength = await inFrontOf(backend.port);
    const old = await exchangeRaw(ofLength.port, 'GET / HTTP/1.0\r\n\r\n');
    expect(old.text).toMatch(/Content-Length: 100\r\n[^]*part$/);
  });

  it('end the request at the service when the client goes', async () => {
    const backend = await startRawBackend((socket) => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\npart'));
    cleanUps.push(() => backend.close());
    const { port, proxy } = await inFrontOf(backend.port);
    const client = await RawClient.open(port);
    client.send('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
    await client.receives('part');
    client.socket.resetAndDestroy();
    await until(() => (backend.sockets.size === 0 ? true : undefined), 'the service to be let go');
    expect(proxy.figures.services['default:web']?.active).toBe(0);
  });

  it('do not reach a service whose client stops in the middle of a request', async () => {
    const backend = await startRawBackend(() => {});
    cleanUps.push(() => backend.close());
    const { port } = await inFrontOf(backend.port);
    const client = await RawClient.open(port);
    client.send('POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n4\r\npart\r\n');
    await until(() => (backend.received[0]?.includes('part') === true ? true : undefined), 'the service to get the first part');
    client.socket.end();
    await until(() => (backend.sockets.size === 0 ? true : undefined), 'the service to be let go');
    expect(backend.received.join('')).not.toContain('0\r\n\r\n');
  });
});

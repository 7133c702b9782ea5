import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { WebSocket, WebSocketServer } from 'ws';
import { until } from '../support/until.js';
import { exchangeRaw, RawClient } from './support/raw-client.js';
import { startRawBackend } from './support/raw-backend.js';
import { endpointsAt, route, startProxy, type TestProxy } from './support/test-proxy.js';

const upgrade = 'GET /chat HTTP/1.1\r\nHost: a\r\nConnection: keep-alive, Upgrade\r\nUpgrade: WebSocket\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n';
const switching = 'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: x\r\n\r\n';

let proxy: TestProxy;
let sockets: WebSocketServer;
const server = createServer();

beforeAll(async () => {
  sockets = new WebSocketServer({ server, maxPayload: 64 << 20 });
  sockets.on('connection', (socket) => {
    socket.on('message', (data, isBinary) => {
      const text = isBinary ? '' : (data as Buffer).toString();
      if (text.startsWith('close ')) socket.close(Number(text.slice(6)), `reason ${text.slice(6)}`);
      else if (text === 'terminate') socket.terminate();
      else socket.send(data as Buffer, { binary: isBinary });
    });
    socket.on('ping', () => socket.send('was pinged'));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  proxy = await startProxy([route({ endpoints: endpointsAt((server.address() as AddressInfo).port), timeoutMs: 300 })]);
});

afterAll(async () => {
  await proxy.close();
  sockets.close();
  server.closeAllConnections();
  server.close();
});

async function open(): Promise<WebSocket> {
  const socket = new WebSocket(`ws://127.0.0.1:${proxy.port}/`, { maxPayload: 64 << 20 });
  await once(socket, 'open');
  return socket;
}

async function reply(socket: WebSocket): Promise<Buffer> {
  return ((await once(socket, 'message')) as [Buffer])[0];
}

describe('WebSockets', () => {
  it('pass text, binary and fragmented messages, and pings', async () => {
    const socket = await open();
    socket.send('grüße');
    expect((await reply(socket)).toString()).toBe('grüße');
    const bytes = randomBytes(70_000);
    socket.send(bytes);
    expect((await reply(socket)).equals(bytes)).toBe(true);
    for (const [part, fin] of [['one ', false], ['two ', false], ['three', true]] as const) socket.send(part, { fin });
    expect((await reply(socket)).toString()).toBe('one two three');
    socket.ping();
    expect((await reply(socket)).toString()).toBe('was pinged');
    socket.terminate();
  });

  it.each([1, 256])('pass messages of 16 MiB in %d parts', async (parts) => {
    const socket = await open();
    const bytes = randomBytes(16 << 20);
    const size = bytes.length / parts;
    for (let part = 0; part < parts; part++) socket.send(bytes.subarray(part * size, (part + 1) * size), { fin: part === parts - 1 });
    expect((await reply(socket)).equals(bytes)).toBe(true);
    socket.terminate();
  });

  it('stay text or binary, empty or not, and need no code to be closed', async () => {
    const socket = await open();
    for (const [data, binary] of [['text', false], ['', false], ['bytes', true], ['', true]] as const) {
      socket.send(data, { binary });
      const [received, isBinary] = (await once(socket, 'message')) as [Buffer, boolean];
      expect([received.toString(), isBinary]).toEqual([data, binary]);
    }
    const [[atServer]] = await Promise.all([once(sockets, 'connection') as Promise<[WebSocket]>, open().then((other) => other.close())]);
    expect(((await once(atServer, 'close')) as [number])[0]).toBe(1005);
    socket.terminate();
  });

  it('pass frames as they are, byte for byte: parts, a ping between them, reserved bits, and what is no frame at all', async () => {
    const frames = Buffer.concat([
      Buffer.from([0x01, 0x83, 1, 2, 3, 4, 0x60, 0x60, 0x60]), // the first part of a text
      Buffer.from([0x89, 0x80, 0, 0, 0, 0]), // a ping
      Buffer.from([0x80, 0x81, 9, 9, 9, 9, 0x70]), // the last part
      Buffer.from([0xf2, 0xfe, 0x00, 0x02, 5, 6, 7, 8, 0x01, 0x02]), // reserved bits, a length in two bytes
      randomBytes(300),
    ]);
    const backend = await startRawBackend((socket, text) => {
      if (text.includes('GET /chat')) socket.write(switching);
      else socket.write(Buffer.from(text, 'latin1'));
    });
    const front = await startProxy([route({ endpoints: endpointsAt(backend.port) })]);
    const client = await RawClient.open(front.port);
    client.send(upgrade);
    await client.receives('\r\n\r\n');
    const head = client.text.length;
    client.socket.write(frames);
    await until(() => (client.text.length - head >= frames.length ? true : undefined), 'everything to come back');
    expect(Buffer.from(client.text.slice(head), 'latin1').equals(frames)).toBe(true);
    expect(backend.received[0]?.endsWith(frames.toString('latin1'))).toBe(true);
    client.close();
    await front.close();
    await backend.close();
  });

  it.each([1000, 1001, 1011, 3000, 4999])('pass the close code %d', async (code) => {
    const socket = await open();
    socket.send(`close ${code}`);
    const [received, reason] = (await once(socket, 'close')) as [number, Buffer];
    expect([received, reason.toString()]).toEqual([code, `reason ${code}`]);
  });

  it('pass a close code of the client', async () => {
    const [socket, [atServer]] = await Promise.all([open(), once(sockets, 'connection') as Promise<[WebSocket]>]);
    const closed = once(atServer, 'close') as Promise<[number, Buffer]>;
    socket.close(4321, 'enough');
    const [code, reason] = await closed;
    expect([code, reason.toString()]).toEqual([4321, 'enough']);
  });

  it('end without a close frame when the service ends them so', async () => {
    const socket = await open();
    socket.send('terminate');
    expect(((await once(socket, 'close')) as [number])[0]).toBe(1006);
  });

  it('may be silent for longer than a route waits for an answer', async () => {
    const socket = await open();
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    socket.send('still there');
    expect((await reply(socket)).toString()).toBe('still there');
    socket.terminate();
    await until(() => (proxy.proxy.figures.services['default:web']?.active === 0 ? true : undefined), 'every WebSocket to be counted as over');
  });

  it('pass bytes that come right behind the heads, and go on when one side has ended', async () => {
    const backend = await startRawBackend((socket, text) => {
      if (text.includes('GET /chat')) socket.write(`${switching}early from the service`);
      if (text.includes('from the client')) socket.write('then more');
    });
    const front = await startProxy([route({ endpoints: endpointsAt(backend.port) })]);
    const client = await RawClient.open(front.port, { allowHalfOpen: true });
    client.send(`${upgrade}early from the client`);
    await client.receives('early from the service');
    await client.receives('then more');
    expect(backend.received[0]).toMatch(/Connection: Upgrade\r\nUpgrade: websocket\r\n\r\nearly from the client$/);
    client.socket.end('the last of the client');
    await until(() => (backend.received[0]?.endsWith('the last of the client') === true ? true : undefined), 'the service to get the last bytes');
    await client.closes();
    await front.close();
    await backend.close();
  });

  it('let the client send on when the service has ended its side', async () => {
    const backend = await startRawBackend((socket, text) => {
      if (text.includes('GET /chat')) socket.end(`${switching}the last of the service`);
    });
    const front = await startProxy([route({ endpoints: endpointsAt(backend.port) })]);
    const client = await RawClient.open(front.port, { allowHalfOpen: true });
    client.send(upgrade);
    await client.receives('the last of the service');
    await until(() => (client.hasEnded ? true : undefined), 'the client to see the end');
    client.send('one more thing');
    await until(() => (backend.received[0]?.endsWith('one more thing') === true ? true : undefined), 'the service to get it');
    client.socket.end();
    await client.closes();
    await front.close();
    await backend.close();
  });

  it('are not opened when the service refuses, and what the client sent is its next request', async () => {
    const backend = await startRawBackend((socket, text) => {
      for (const _ of text.match(/GET \/chat/g) ?? []) socket.write('HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno');
      for (const _ of text.match(/GET \/next/g) ?? []) socket.write('HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nnext');
    });
    const front = await startProxy([route({ endpoints: endpointsAt(backend.port) })]);
    const client = await exchangeRaw(front.port, `${upgrade}GET /next HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`);
    expect(client.text).toMatch(/^HTTP\/1\.1 403 [^]*\r\n\r\nno[^]*HTTP\/1\.1 200 [^]*next$/);
    await front.close();
    await backend.close();
  });
});

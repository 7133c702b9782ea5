import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { exchangeRaw, RawClient } from './support/raw-client.js';
import { smallAnswer, startRawBackend, type RawBackend } from './support/raw-backend.js';
import { endpointsAt, route, startProxy, type TestProxy } from './support/test-proxy.js';
import { hostileMessages } from './smuggling-messages.js';

let backend: RawBackend;
let proxy: TestProxy;

beforeAll(async () => {
  backend = await startRawBackend();
  proxy = await startProxy([route({ endpoints: endpointsAt(backend.port) })]);
});

afterAll(async () => {
  await proxy.close();
  await backend.close();
});

/** Reads as the most credulous backend would: every line that looks like the beginning of a request is one. */
const requestLines = (text: string): string[] => text.match(/[A-Z]+ \S+ HTTP\/\d/g) ?? [];

describe('messages with more than one reading', () => {
  it('has at least 60 of them', () => expect(hostileMessages.length).toBeGreaterThanOrEqual(60));

  it.each(hostileMessages)('refuses $name', async ({ text }) => {
    const client = await exchangeRaw(proxy.port, text);
    const answers = client.text.split(/(?=HTTP\/1\.1 \d{3} )/);
    expect(answers.at(-1)).toMatch(/^HTTP\/1\.1 4(00|05|17|31) /);
    expect(answers.at(-1)).toContain('\r\nConnection: close\r\n');
    expect(backend.received.join('')).not.toContain('smuggled');
    for (const head of backend.received.flatMap(headsOf)) assertOneReading(head);
  });

  it('sends no whole request from a body that turns out to be malformed', async () => {
    const before = backend.received.length;
    const client = await RawClient.open(proxy.port);
    client.send('POST /begun HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n');
    await waitFor(() => backend.received.slice(before).join('').includes('hello'));
    client.send('5;\n');
    await client.closes();
    const arrived = backend.received.slice(before).join('');
    expect(requestLines(arrived)).toEqual(['POST /begun HTTP/1']);
    expect(arrived).not.toContain('0\r\n\r\n');
  });
});

describe('what is passed on', () => {
  it('drops what is meant for one connection, and whatever says where a request came from', async () => {
    const client = await RawClient.open(proxy.port);
    client.send([
      'GET /cleaned?a=b HTTP/1.1', 'Host: App.example:8080', 'Connection: close, X-Named, X-Forwarded-For', 'X-Named: n', 'X-Kept: k ', 'Keep-Alive: timeout=5',
      'Proxy-Connection: keep-alive', 'Proxy-Authorization: Basic x', 'TE: gzip', 'Upgrade: h2c', 'HTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA',
      'X-Forwarded-For: 6.6.6.6', 'X-Forwarded-Proto: https', 'X-Forwarded-Host: evil', 'X_Forwarded_For: 6.6.6.6', 'Forwarded: for=6.6.6.6', 'X-Real-IP: 6.6.6.6', '', '',
    ].join('\r\n'));
    await client.closes();
    expect(client.text).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
    const head = backend.received.flatMap(headsOf).find((text) => text.includes('/cleaned'))?.split('\r\n') ?? [];
    expect(head.slice(0, 2)).toEqual(['GET /cleaned?a=b HTTP/1.1', 'Host: App.example:8080']);
    expect(head.slice(2).filter((text) => !text.startsWith('X-Request-Id: ')).sort()).toEqual([
      'Forwarded: for=127.0.0.1;host="App.example:8080";proto=http', 'X-Forwarded-For: 127.0.0.1', 'X-Forwarded-Host: App.example:8080', 'X-Forwarded-Proto: http', 'X-Kept: k ',
    ]);
  });

  it('does not switch to h2c, behind which anything could be sent', async () => {
    const before = backend.received.length;
    const client = await exchangeRaw(proxy.port, 'GET /h2c HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, HTTP2-Settings, close\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA\r\n\r\n');
    expect(client.text).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
    expect(backend.received.slice(Math.max(0, before - 1)).join('')).not.toMatch(/upgrade|http2-settings/i);
  });

  it('answers requests of one connection one after another, and in their order', async () => {
    const client = await RawClient.open(proxy.port);
    const paths = Array.from({ length: 50 }, (_, index) => `/pipelined-${index}`);
    client.send(paths.map((path, index) => `GET ${path} HTTP/1.1\r\nHost: a\r\n${index === 49 ? 'Connection: close\r\n' : ''}\r\n`).join(''));
    await client.closes();
    expect(client.text.match(/HTTP\/1\.1 200 OK/g)).toHaveLength(50);
    const seen = backend.received.join('');
    expect(paths.every((path) => seen.includes(`GET ${path} HTTP/1.1`))).toBe(true);
  });
});

describe('answers with more than one reading', () => {
  const hostileAnswers: [string, string][] = [
    ['both Content-Length and Transfer-Encoding', 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n'],
    ['two Content-Lengths', 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nok'],
    ['an unknown Transfer-Encoding', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\nok'],
    ['a folded header', 'HTTP/1.1 200 OK\r\nX: y\r\n z\r\nContent-Length: 2\r\n\r\nok'],
    ['a bare LF', 'HTTP/1.1 200 OK\nContent-Length: 2\n\nok'],
    ['a bare CR in a value', 'HTTP/1.1 200 OK\r\nX: y\rz\r\nContent-Length: 2\r\n\r\nok'],
    ['no status', 'HTTP/1.1 OK\r\nContent-Length: 2\r\n\r\nok'],
    ['a status of four digits', 'HTTP/1.1 2000 OK\r\nContent-Length: 2\r\n\r\nok'],
    ['another protocol', 'SSH-2.0-OpenSSH\r\n\r\n'],
    ['a switch that nobody asked for', 'HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n'],
    ['headers without end', `HTTP/1.1 200 OK\r\nX: ${'y'.repeat(100_000)}`],
  ];

  it.each(hostileAnswers)('become a 502: %s', async (_name, answer) => {
    const hostile = await startRawBackend((socket) => socket.write(answer, 'latin1'));
    const front = await startProxy([route({ endpoints: endpointsAt(hostile.port) })]);
    const client = await exchangeRaw(front.port, 'GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
    expect(client.text).toMatch(/^HTTP\/1\.1 502 /);
    expect(client.text).toContain('BACKEND_FAILED');
    await front.close();
    await hostile.close();
  });

  it('never become the answer to the next request', async () => {
    const hostile = await startRawBackend((socket) => socket.write(`${smallAnswer}HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison`));
    const front = await startProxy([route({ endpoints: endpointsAt(hostile.port) })]);
    for (let request = 0; request < 5; request++) {
      const client = await exchangeRaw(front.port, 'GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
      expect(client.text).not.toContain('poison');
    }
    expect(hostile.received).toHaveLength(5);
    await front.close();
    await hostile.close();
  });
});

/** The heads among what a backend got on one connection. */
function headsOf(text: string): string[] {
  return text.split('\r\n\r\n').filter((part) => /^[A-Z]+ \S+ HTTP\/1\.1\r\n/.test(part));
}

function assertOneReading(head: string): void {
  const lines = head.split('\r\n');
  expect(head.replaceAll('\r\n', '')).not.toMatch(/[\r\n\0]/);
  expect(lines[0]).toMatch(/^[!#$%&'*+.^_`|~0-9A-Za-z-]+ \/\S* HTTP\/1\.1$/);
  for (const line of lines.slice(1)) expect(line).toMatch(/^[!#$%&'*+.^_`|~0-9A-Za-z-]+: ?/);
  const count = (name: RegExp): number => lines.filter((line) => name.test(line)).length;
  expect(count(/^host:/i)).toBe(1);
  expect(count(/^content[-_]length:/i) + count(/^transfer[-_]encoding:/i)).toBeLessThanOrEqual(1);
}

async function waitFor(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setImmediate(resolve));
}

import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from '@jest/globals';
import { prometheusText } from '../../plugins/proxy/observe/prometheus.js';
import { serveMetrics } from '../../plugins/proxy/observe/serve-metrics.js';
import type { ProxyOptions } from '../../plugins/proxy/proxy-server.js';
import type { Route } from '../../plugins/proxy/routes/route-table.js';
import { until } from '../support/until.js';
import { exchangeRaw, RawClient } from './support/raw-client.js';
import { smallAnswer, startRawBackend, type RawBackend } from './support/raw-backend.js';
import { endpointsAt, route, startProxy, type TestProxy } from './support/test-proxy.js';
import { freePort as closedPort } from '../support/free-port.js';

const cleanUps: (() => Promise<unknown>)[] = [];

afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

async function backendThat(answer?: Parameters<typeof startRawBackend>[0]): Promise<RawBackend> {
  const backend = await startRawBackend(answer);
  cleanUps.push(() => backend.close());
  return backend;
}

async function inFrontOf(ports: number[], of: Partial<Route> = {}, options: ProxyOptions = {}): Promise<TestProxy> {
  const proxy = await startProxy([route({ endpoints: endpointsAt(...ports), ...of })], options);
  cleanUps.push(() => proxy.close());
  return proxy;
}

const ask = (port: number, method = 'GET', more = '', body = ''): Promise<RawClient> => exchangeRaw(port, `${method} / HTTP/1.1\r\nHost: a\r\n${more}Connection: close\r\n\r\n${body}`);
const statusOf = (client: RawClient): string => client.text.slice(9, 12);

describe('trying again', () => {
  it('takes another endpoint when one cannot be connected to, for every method and with a body', async () => {
    const backend = await backendThat();
    const { port } = await inFrontOf([await closedPort(), backend.port, await closedPort()]);
    for (let request = 0; request < 12; request++) expect(statusOf(await ask(port, 'POST', 'Content-Length: 4\r\n', 'body'))).toBe('200');
    expect(backend.received.join('').match(/\r\n\r\nbody/g)).toHaveLength(12);
  });

  it('repeats what may be repeated when a service dies before it answers, and nothing else', async () => {
    const counts = { dying: 0, living: 0 };
    const dying = await backendThat((socket) => {
      counts.dying++;
      socket.destroy();
    });
    const living = await backendThat((socket) => {
      counts.living++;
      socket.write(smallAnswer);
    });
    const { port, serve } = await inFrontOf([dying.port, living.port]);
    expect([statusOf(await ask(port)), statusOf(await ask(port)), statusOf(await ask(port, 'DELETE'))]).toEqual(['200', '200', '200']);
    expect(counts.living).toBe(3);
    serve(route({ endpoints: endpointsAt(dying.port) }));
    const before = counts.dying;
    const post = await ask(port, 'POST', 'Content-Length: 4\r\n', 'body');
    expect(statusOf(post)).toBe('502');
    expect(post.text).toContain('"service":"default:web"');
    expect(post.text).toMatch(/closed the connection|ECONNRESET/);
    expect(counts.dying).toBe(before + 1);
    expect(statusOf(await ask(port, 'PATCH'))).toBe('502');
  });

  it('does not repeat a request whose answer has begun', async () => {
    let count = 0;
    const backend = await backendThat((socket) => {
      count++;
      socket.end('HTTP/1.1 200 OK\r\nContent-Le');
    });
    const { port } = await inFrontOf([backend.port, (await backendThat()).port].slice(0, 1));
    expect(statusOf(await ask(port))).toBe('502');
    expect(count).toBe(1);
  });

  it('hides that a service had closed a connection which was to be used again', async () => {
    let answered = 0;
    const backend = await backendThat((socket) => {
      // Answers the first request of each connection, and closes on the second without a word.
      if (answered++ % 2 === 0) socket.write(smallAnswer);
      else socket.destroy();
    });
    const { port } = await inFrontOf([backend.port]);
    const client = await RawClient.open(port);
    for (let request = 0; request < 10; request++) {
      client.text = '';
      client.send('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
      await client.receives('200 OK');
    }
    client.close();
  });

  it('leaves an endpoint alone for a while when it fails again and again, and comes back to it', async () => {
    let isBroken = true;
    let asked = 0;
    const broken = await backendThat((socket) => {
      asked++;
      if (isBroken) socket.destroy();
      else socket.write(smallAnswer);
    });
    const good = await backendThat();
    const { port, proxy } = await inFrontOf([broken.port, good.port]);
    for (let request = 0; request < 40; request++) expect(statusOf(await ask(port))).toBe('200');
    expect(asked).toBe(3);
    expect(proxy.figures.services['default:web']).toMatchObject({ ejections: 1, retries: 3 });
    isBroken = false;
    await until(async () => {
      await ask(port);
      return asked > 3 ? true : undefined;
    }, 'the endpoint to be used again');
  });

  it('uses endpoints that failed when there are no others', async () => {
    let isBroken = true;
    const backend = await backendThat((socket) => void (isBroken ? socket.destroy() : socket.write(smallAnswer)));
    const { port } = await inFrontOf([backend.port]);
    for (let request = 0; request < 5; request++) expect(statusOf(await ask(port))).toBe('502');
    isBroken = false;
    expect(statusOf(await ask(port))).toBe('200');
  });
});

describe('sharing out requests', () => {
  it('gives each to the endpoint that has the fewest', async () => {
    const slow = await backendThat(() => {});
    const quick = await backendThat();
    const { port } = await inFrontOf([slow.port, quick.port]);
    const stuck = await Promise.all(Array.from({ length: 2 }, () => RawClient.open(port)));
    for (const client of stuck) client.send('GET /stuck HTTP/1.1\r\nHost: a\r\n\r\n');
    await until(() => (slow.received.join('').includes('/stuck') ? true : undefined), 'one request to be stuck');
    for (let request = 0; request < 20; request++) expect(statusOf(await ask(port))).toBe('200');
    for (const client of stuck) client.close();
  });
});

describe('what takes too long', () => {
  it('is a 504 when a service does not answer', async () => {
    const backend = await backendThat(() => {});
    const { port } = await inFrontOf([backend.port], { timeoutMs: 300 });
    const client = await ask(port);
    expect(statusOf(client)).toBe('504');
    expect(client.text).toContain('The service did not answer within 0.3 s.');
  });

  it('is cut off when a service falls silent in the middle of an answer', async () => {
    const backend = await backendThat((socket) => void socket.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\npart\r\n'));
    const { port } = await inFrontOf([backend.port], { timeoutMs: 300 });
    const client = await ask(port);
    expect(client.text).toContain('part');
    expect(client.text).not.toContain('0\r\n\r\n');
  });

  it('is a 408 when headers or a body come too slowly', async () => {
    const backend = await backendThat(() => {});
    const { port } = await inFrontOf([backend.port], { timeoutMs: 400 }, { limits: { headMs: 500 } });
    const client = await RawClient.open(port);
    client.send('GET / HTTP/1.1\r\n');
    const drip = setInterval(() => client.send('X: y\r\n'), 100);
    await client.closes(5_000);
    clearInterval(drip);
    expect(statusOf(client)).toBe('408');
    expect(backend.received).toEqual([]);
    expect(statusOf(await ask(port, 'POST', 'Content-Length: 10\r\n', 'half'))).toBe('408');
  });

  it('is closed when a connection says nothing', async () => {
    const { port } = await inFrontOf([], {}, { limits: { headMs: 300, idleMs: 300 } });
    const silent = await RawClient.open(port);
    const idle = await RawClient.open(port);
    idle.send('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
    await Promise.all([silent.closes(5_000), idle.closes(5_000)]);
    expect(silent.text).toBe('');
  });

  it('is closed when nobody reads an answer', async () => {
    const backend = await backendThat((socket) => {
      socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${1 << 28}\r\n\r\n`);
      socket.write(Buffer.alloc(1 << 25));
    });
    const { port } = await inFrontOf([backend.port], {}, { limits: { unreadMs: 300 } });
    const client = await RawClient.open(port);
    client.socket.pause();
    client.send('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
    await until(() => (backend.received.length === 1 && backend.sockets.size === 0 ? true : undefined), 'the service to be let go');
    client.close();
  });

  it('does not pile up the answers to a client that asks and never reads', async () => {
    const { port, proxy } = await inFrontOf([]);
    const client = await RawClient.open(port);
    client.socket.pause();
    const requests = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n'.repeat(2_000);
    const before = process.memoryUsage().rss;
    for (let batch = 0; batch < 500; batch++) client.send(requests);
    await until(() => {
      const answered = proxy.figures.services['default:web']?.answers[5] ?? 0;
      return answered > 1_000 ? true : undefined;
    }, 'some answers');
    await new Promise((resolve) => setTimeout(resolve, 500));
    expect(proxy.figures.services['default:web']?.answers[5]).toBeLessThan(100_000);
    expect(process.memoryUsage().rss - before).toBeLessThan(150 << 20);
    client.close();
  });
});

describe('draining', () => {
  it('gives an endpoint that left no more requests, and tells when its last one is done', async () => {
    const drained: string[] = [];
    let finish: () => void = () => {};
    const old = await backendThat((socket) => void (finish = () => socket.write(smallAnswer)));
    const next = await backendThat();
    const { port, serve } = await inFrontOf([old.port], {}, { onDrained: (id) => void drained.push(id) });
    const client = await RawClient.open(port);
    client.send('GET /long HTTP/1.1\r\nHost: a\r\n\r\n');
    await until(() => (old.received.join('').includes('/long') ? true : undefined), 'the request to arrive');
    serve(route({ endpoints: endpointsAt(next.port) }));
    for (let request = 0; request < 10; request++) expect(statusOf(await ask(port))).toBe('200');
    expect(old.received).toHaveLength(1);
    expect(drained).toEqual([]);
    finish();
    await client.receives('ok');
    await until(() => (drained.length > 0 ? true : undefined), 'the endpoint to be drained');
    expect(drained).toEqual([`at-${old.port}`]);
    client.close();
  });

  it('cuts off at its limit what does not end, WebSockets too', async () => {
    const drained: string[] = [];
    const old = await backendThat((socket) => void socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n'));
    const { port, serve } = await inFrontOf([old.port], {}, { drainLimitMs: 200, onDrained: (id) => void drained.push(id) });
    const client = await RawClient.open(port);
    client.send('GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n');
    await client.receives('101');
    serve(route());
    await client.closes();
    await until(() => (drained.length > 0 ? true : undefined), 'the endpoint to be drained');
  });

  it('takes an endpoint back that returns before it was drained', async () => {
    const drained: string[] = [];
    const backend = await backendThat((socket, text) => void (text.includes('/long') ? undefined : socket.write(smallAnswer)));
    const { port, serve } = await inFrontOf([backend.port], {}, { drainLimitMs: 300, onDrained: (id) => void drained.push(id) });
    const client = await RawClient.open(port);
    client.send('GET /long HTTP/1.1\r\nHost: a\r\n\r\n');
    await until(() => (backend.received.join('').includes('/long') ? true : undefined), 'the request to arrive');
    serve(route());
    expect(statusOf(await ask(port))).toBe('503');
    serve(route({ endpoints: endpointsAt(backend.port) }));
    expect(statusOf(await ask(port))).toBe('200');
    await new Promise((resolve) => setTimeout(resolve, 600));
    expect([drained, client.isClosed]).toEqual([[], false]);
    client.close();
  });

  it('changes tables thousands of times under load without one failed request', async () => {
    const backends = await Promise.all([backendThat(), backendThat(), backendThat()]);
    const { port, serve } = await inFrontOf([backends[0]?.port ?? 0]);
    let isOver = false;
    const counts = Array.from({ length: 8 }, () => 0);
    const loads = counts.map(async (_, lane) => {
      const client = await RawClient.open(port);
      let count = 0;
      while (!isOver) {
        client.text = '';
        client.send(`${count % 2 === 0 ? 'GET' : 'POST'} / HTTP/1.1\r\nHost: a\r\n${count % 2 === 0 ? '' : 'Content-Length: 0\r\n'}\r\n`);
        await client.receives(/\r\n\r\n.*ok$/s);
        if (!client.text.startsWith('HTTP/1.1 200')) throw new Error(client.text);
        counts[lane] = ++count;
      }
      client.close();
    });
    for (let change = 0; change < 3_000 || Math.min(...counts) < 20; change++) {
      serve(route({ endpoints: endpointsAt(backends[change % 3]?.port ?? 0) }));
      if (change % 10 === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    isOver = true;
    await Promise.all(loads);
  });
});

describe('what it tells', () => {
  it('writes a line for each request, without queries', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'hive-proxy-'));
    cleanUps.push(() => rm(folder, { recursive: true }));
    const path = join(folder, 'access.log');
    const backend = await backendThat();
    const front = await inFrontOf([backend.port], {}, { accessLog: { path, maxBytes: 2_000 } });
    await exchangeRaw(front.port, 'GET /a?token=secret HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
    const line = await until(async () => (await readFile(path, 'utf8').catch(() => '')).split('\n')[0] || undefined, 'the line');
    expect(JSON.parse(line)).toMatchObject({ client: '127.0.0.1', method: 'GET', host: 'a', path: '/a', status: 200, bytes: 2, service: 'default:web', endpoint: `at-${backend.port}`, retries: 0, problem: null });
    expect(line).not.toContain('secret');
    for (let request = 0; request < 30; request++) {
      await ask(front.port);
      if (request % 10 === 9) await new Promise((resolve) => setTimeout(resolve, 150));
    }
    await until(async () => (await readFile(`${path}.1`, 'utf8').catch(() => undefined)), 'the file to be rotated');
  });

  it('counts', async () => {
    const backend = await backendThat();
    const { port, proxy } = await inFrontOf([backend.port], { path: '/', service: 'default:"odd"' });
    await ask(port);
    await exchangeRaw(port, 'nonsense\r\n\r\n');
    const metrics = await serveMetrics({ host: '127.0.0.1', port: 0 }, async () => proxy.figures);
    cleanUps.push(() => metrics.close());
    const text = await (await fetch(`http://127.0.0.1:${metrics.address.port}/metrics`)).text();
    expect(text).toBe(prometheusText(proxy.figures));
    expect(text).toContain('hive_proxy_requests_total{service="default:\\"odd\\"",code="2xx"} 1\n');
    expect(text).toContain('hive_proxy_malformed_total 1\n');
    expect(text).toMatch(/hive_proxy_request_duration_seconds_bucket\{service="default:\\"odd\\"",le="\+Inf"\} 1\n/);
    for (const line of text.trimEnd().split('\n')) expect(line).toMatch(/^(# (HELP|TYPE) \w+ .+|\w+(\{.*\})? [\d.e+-]+)$/);
  });
});

import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { ProxyServer } from '../../plugins/proxy/proxy-server.js';
import { exchangeRaw } from './support/raw-client.js';
import { startRawBackend, type RawBackend } from './support/raw-backend.js';
import { endpointsAt, route, startProxy, tableOf, type TestProxy } from './support/test-proxy.js';

let backend: RawBackend;
let proxy: TestProxy;

beforeAll(async () => {
  backend = await startRawBackend();
  const at = (service: string, of: Parameters<typeof route>[0]): ReturnType<typeof route> =>
    route({ service, endpoints: endpointsAt(backend.port), headers: { add: { 'X-Service': service }, remove: [] }, ...of });
  proxy = await startProxy([
    at('any', { path: '/' }), at('any-api', { path: '/api' }), at('any-api-v1', { path: '/api/v1' }), at('any-deep', { path: '/a/b/c/d' }),
    at('app', { host: 'app.example' }), at('app-api', { host: 'app.example', path: '/api' }),
    at('wild', { host: '*.example' }), at('wild-deep', { host: '*.deep.example', path: '/x' }),
    at('stripped', { host: 'strip.test', path: '/pre/fix', stripPrefix: true }),
    at('headers', {
      host: 'headers.test',
      headers: { add: { 'X-Service': 'headers', 'X-Set': 'by the route', Host: 'inner.test', 'X-Forwarded-Proto': 'https' }, remove: ['Cookie', 'X-Gone'] },
    }),
    at('v6', { host: '[::1]' }),
    route({ host: 'only.test', path: '/here', service: 'default:only' }),
    route({ host: 'down.test', service: 'default:down', reason: 'its health check failed: connect ECONNREFUSED' }),
  ]);
});

afterAll(async () => {
  await proxy.close();
  await backend.close();
});

async function arriving(host: string, target: string, more = ''): Promise<string> {
  const before = backend.received.join('').length;
  await exchangeRaw(proxy.port, `GET ${target} HTTP/1.1\r\nHost: ${host}\r\n${more}Connection: close\r\n\r\n`);
  return backend.received.join('').slice(before);
}

describe('which service gets a request', () => {
  it.each([
    ['other.test', '/', 'any'], ['other.test', '/api', 'any-api'], ['other.test', '/api/', 'any-api'], ['other.test', '/api/x', 'any-api'], ['other.test', '/api?x=/api/v1', 'any-api'],
    ['other.test', '/apifoo', 'any'], ['other.test', '/api.x', 'any'], ['other.test', '/API', 'any'], ['other.test', '/api/v1', 'any-api-v1'], ['other.test', '/api/v10', 'any-api'],
    ['other.test', '/x?/api', 'any'], ['other.test', '/a/b/c', 'any'], ['other.test', '/a/b/c/d/e', 'any-deep'],
    ['app.example', '/', 'app'], ['app.example', '/api/v1', 'app-api'], ['App.Example', '/', 'app'], ['app.example:8080', '/', 'app'], ['app.example.', '/', 'app'],
    ['x.example', '/', 'wild'], ['x.y.example', '/', 'wild'], ['x.deep.example', '/x/y', 'wild-deep'], ['x.deep.example', '/z', 'wild'], ['example', '/', 'any'],
    ['[::1]:80', '/', 'v6'], ['[::1]', '/', 'v6'], ['only.test', '/else', 'any'],
  ])('%s%s goes to %s', async (host, target, service) => {
    expect(await arriving(host, target)).toContain(`X-Service: ${service}\r\n`);
  });

  it.each([
    ['/pre/fix', '/'], ['/pre/fix/', '/'], ['/pre/fix/a/b', '/a/b'], ['/pre/fix?q=1', '/?q=1'], ['/pre/fix/a?q=/pre/fix', '/a?q=/pre/fix'],
  ])('takes the prefix off %s: %s', async (target, seen) => {
    const head = await arriving('strip.test', target);
    expect(head).toContain(`GET ${seen} HTTP/1.1\r\n`);
    expect(head).toContain('X-Forwarded-Prefix: /pre/fix\r\n');
  });

  it('changes headers as the route says', async () => {
    const head = await arriving('headers.test', '/', 'Cookie: secret\r\ncookie: again\r\nx-set: by the client\r\nX-Gone: 1\r\nX-Stays: 1\r\n');
    const lines = head.split('\r\n').filter((line) => /^(cookie|x-set|x-gone|x-stays|host|x-forwarded-proto|x-forwarded-host):/i.test(line)).sort();
    expect(lines).toEqual(['Host: inner.test', 'X-Forwarded-Host: headers.test', 'X-Forwarded-Proto: https', 'X-Set: by the route', 'X-Stays: 1']);
  });

  it('gives a request a number that service and client see, and keeps the one it came with', async () => {
    const client = await exchangeRaw(proxy.port, 'GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
    const id = /\r\nX-Request-Id: ([\w.-]+)\r\n/.exec(client.text)?.[1] ?? 'none';
    expect(backend.received.join('')).toContain(`X-Request-Id: ${id}\r\n`);
    expect(await arriving('a', '/', 'X-Request-Id: mine-1\r\n')).toContain('X-Request-Id: mine-1\r\n');
    expect(await arriving('a', '/', 'X-Request-Id: <script>\r\n')).not.toContain('script');
  });
});

describe('answers of its own', () => {
  it('says to programs what is wrong, in JSON', async () => {
    const missing = await exchangeRaw(proxy.port, 'GET /x HTTP/1.1\r\nHost: down.test\r\nAccept: application/json\r\nConnection: close\r\n\r\n');
    const [head = '', body = ''] = missing.text.split('\r\n\r\n');
    expect(head).toMatch(/^HTTP\/1\.1 503 Service Unavailable\r\n[^]*Content-Type: application\/json; charset=utf-8\r\n[^]*Retry-After: 1/);
    expect(JSON.parse(body)).toEqual({ error: {
      status: 503, code: 'NO_ENDPOINT', service: 'default:down', requestId: expect.stringMatching(/./) as unknown,
      message: 'default:down has no endpoint that could answer: its health check failed: connect ECONNREFUSED',
    } });
  });

  it('says it to people on a page, which runs nothing of what the request said', async () => {
    const lonely = await startProxy([route({ host: 'only.test', path: '/here' })]);
    const page = await exchangeRaw(lonely.port, 'GET /<script>alert(1)</script>?x HTTP/1.1\r\nHost: a\r\nAccept: text/html,*/*\r\nConnection: close\r\n\r\n');
    expect(page.text).toMatch(/^HTTP\/1\.1 404 Not Found\r\nContent-Type: text\/html/);
    expect(page.text).toContain('No service is routed at a for /&#60;script&#62;');
    expect(page.text).not.toContain('<script');
    await lonely.close();
  });

  it('keeps the connection, and sends no body to HEAD', async () => {
    const client = await exchangeRaw(proxy.port, 'HEAD / HTTP/1.1\r\nHost: down.test\r\n\r\nGET / HTTP/1.1\r\nHost: down.test\r\nConnection: close\r\n\r\n');
    expect(client.text.match(/HTTP\/1\.1 503/g)).toHaveLength(2);
    expect(client.text.match(/NO_ENDPOINT/g)).toHaveLength(1);
  });
});

describe('tables', () => {
  const good = route({ endpoints: endpointsAt(1) });

  it.each([
    ['two routes of one place', [good, { ...good, id: 'other', service: 'default:other' }], /both for any host and \//],
    ['a header with a line break', [{ ...good, headers: { add: { X: 'a\r\nHost: b' }, remove: [] } }], /value of the header X/],
    ['a header that frames', [{ ...good, headers: { add: { 'Content-Length': '5' }, remove: [] } }], /belongs to the proxy/],
    ['a header without a name', [{ ...good, headers: { add: {}, remove: ['a b'] } }], /not the name of a header/],
    ['a path without a slash', [{ ...good, path: 'x' }], /begin with a slash/],
    ['a path with a line break', [{ ...good, path: '/x\r\n' }], /a character/],
    ['a host in capitals', [{ ...good, host: 'A' }], /lower case/],
    ['an endpoint without a port', [{ ...good, endpoints: [{ id: 'x', address: 'a', port: 0 }] }], /no port/],
    ['an endpoint with two addresses', [{ ...good, endpoints: [{ id: 'x', address: 'a', port: 1 }, { id: 'x', address: 'a', port: 2 }] }], /two addresses/],
    ['no timeout', [{ ...good, timeoutMs: 0 }], /timeout/],
  ])('refuses %s, and goes on with the one before', (_name, routes, reason) => {
    const server = new ProxyServer();
    expect(server.apply({ version: 7, routes: [good] })).toEqual({ ok: true });
    const applied = server.apply(tableOf(...routes));
    expect(applied).toEqual({ ok: false, reason: expect.stringMatching(reason) as unknown });
    expect(server.version).toBe(7);
  });
});

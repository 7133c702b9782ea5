import { afterEach, describe, expect, it } from '@jest/globals';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer as createHttpServer, type RequestListener } from 'node:http';
import { createServer as createTcpServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describeCheck, probe, type ProbeTarget } from '../../daemon/health/probe.js';
import type { ProbeResult } from '../../daemon/health/probe-result.js';
import type { HealthCheckSpec } from '../../shared/config/service-spec.js';
import { waitFor } from './wait-for.js';
import { freePort as closedPort } from '../support/free-port.js';

const timing = { intervalMs: 1000, timeoutMs: 500, retries: 3, startPeriodMs: 0 };
const tcp: HealthCheckSpec = { type: 'tcp', port: 'main', ...timing };
const http: Extract<HealthCheckSpec, { type: 'http' }> = {
  type: 'http', port: 'main', path: '/health', method: 'GET', status: { from: 200, to: 299 }, ...timing,
};
const never = new AbortController().signal;
const cleanups: (() => unknown)[] = [];

afterEach(async () => {
  for (const cleanup of cleanups.splice(0)) await cleanup();
});

async function listening(server: Server): Promise<number> {
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => sockets.add(socket.on('error', () => undefined)));
  cleanups.push(() => {
    for (const socket of sockets) socket.destroy();
    return new Promise((resolve) => server.close(resolve));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
}

const serving = (listener: RequestListener): Promise<number> => listening(createHttpServer(listener));

function on(port: number, check: HealthCheckSpec, signal = never): Promise<ProbeResult> {
  const target: ProbeTarget = { host: '127.0.0.1', ports: { main: port }, environment: {} };
  return probe(check, target, signal);
}

describe('an http check', () => {
  it('passes on a status in the range', async () => {
    const port = await serving((request, response) => response.writeHead(request.url === '/health' ? 204 : 500).end());
    expect(await on(port, http)).toEqual({ kind: 'passed', detail: expect.stringMatching(/^GET http:\/\/127\.0\.0\.1:\d+\/health answered 204 in \d+ ms$/) });
    expect((await on(port, { ...http, status: { from: 200, to: 200 } })).kind).toBe('failed');
  });

  it('fails with the status and the first line of the body, bounded and printable', async () => {
    const port = await serving((_request, response) => response.writeHead(503).end(`\n\u001b[31mno database\u0007${'x'.repeat(100_000)}\nsecond`));
    const { kind, detail } = await on(port, http);
    expect(kind).toBe('failed');
    expect(detail).toMatch(/answered 503: \[31mno database x+…$/);
    expect(detail.length).toBeLessThan(300);
  });

  it('does not follow a redirect', async () => {
    const port = await serving((request, response) => response.writeHead(request.url === '/health' ? 302 : 200, { location: '/login' }).end());
    expect(await on(port, http)).toMatchObject({ kind: 'failed', detail: expect.stringMatching(/answered 302$/) });
  });

  it('uses the method that it is told, and a connection of its own each time', async () => {
    const seen: string[] = [];
    const server = createHttpServer((request, response) => {
      seen.push(`${request.method} ${request.headers.connection}`);
      response.end();
    });
    let connections = 0;
    server.on('connection', () => (connections += 1));
    const port = await listening(server);
    await on(port, { ...http, method: 'HEAD' });
    await on(port, { ...http, method: 'HEAD' });
    expect(seen).toEqual(['HEAD close', 'HEAD close']);
    expect(connections).toBe(2);
  });

  it('passes as soon as the status is there, though the body never ends', async () => {
    const port = await serving((_request, response) => {
      response.writeHead(200);
      response.write('still going');
    });
    expect((await on(port, { ...http, timeoutMs: 60_000 })).kind).toBe('passed');
  }, 5000);

  it('times out on silence, before and after the connection was accepted', async () => {
    const port = await serving(() => undefined);
    expect(await on(port, { ...http, timeoutMs: 100 })).toEqual({
      kind: 'timed-out', detail: `no answer to GET http://127.0.0.1:${port}/health within 100 ms`,
    });
  });

  it('says that a connection was refused, broken off, or is not HTTP', async () => {
    const port = await closedPort();
    expect(await on(port, http)).toEqual({ kind: 'failed', detail: `connection refused on 127.0.0.1:${port}` });
    const breaking = await listening(createTcpServer((socket) => socket.on('data', () => socket.destroy())));
    expect(await on(breaking, http)).toEqual({ kind: 'failed', detail: `127.0.0.1:${breaking} closed the connection without an answer` });
    const speaking = await listening(createTcpServer((socket) => socket.end('220 smtp.example ESMTP\r\n')));
    expect(await on(speaking, http)).toMatchObject({ kind: 'failed', detail: expect.stringContaining(`what answers on 127.0.0.1:${speaking} is not HTTP`) });
  });

  it('fails, and does not throw, on what cannot be sent', async () => {
    const port = await closedPort();
    expect(await on(port, { ...http, path: '/a b' })).toMatchObject({ kind: 'failed', detail: expect.stringContaining('the check cannot be made') });
    expect(await on(port, { ...http, port: 'other' })).toEqual({ kind: 'failed', detail: 'the service has no port named "other"' });
  });

  it('is called off at once', async () => {
    const port = await serving(() => undefined);
    const ended = new AbortController();
    const result = on(port, { ...http, timeoutMs: 60_000 }, ended.signal);
    ended.abort();
    expect((await result).kind).toBe('inconclusive');
  }, 5000);
});

describe('a tcp check', () => {
  it('passes when somebody accepts, and says who does not', async () => {
    const port = await listening(createTcpServer());
    expect(await on(port, tcp)).toEqual({ kind: 'passed', detail: `127.0.0.1:${port} accepts connections` });
    const closed = await closedPort();
    expect(await on(closed, tcp)).toEqual({ kind: 'failed', detail: `connection refused on 127.0.0.1:${closed}` });
  });
});

describe('a cmd check', () => {
  const cmd = (command: string, over: { timeoutMs?: number; workingDir?: string } = {}): HealthCheckSpec => ({
    type: 'cmd', command, workingDir: '/', ...timing, timeoutMs: 10_000, ...over,
  });
  const run = (check: HealthCheckSpec, environment: Record<string, string> = {}, signal = never): Promise<ProbeResult> =>
    probe(check, { host: '127.0.0.1', ports: {}, environment }, signal);

  it('that is called off when its command has ended just now harms nobody', async () => {
    const program = fileURLToPath(new URL('programs/calls-off-what-has-ended.js', import.meta.url));
    const child = spawn(process.execPath, [program], { stdio: ['ignore', 'pipe', 'pipe'] });
    let said = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => { said += chunk.toString(); });
    await once(child, 'close');
    expect(said).toMatch(/^(passed|inconclusive)\n$/);
  });

  it('passes on exit 0, in the environment and folder of the service and nothing else', async () => {
    const result = await run(cmd('test "$PORT" = 8012 && test -z "$HOME" && pwd', { workingDir: '/usr' }), { PORT: '8012' });
    expect(result).toEqual({ kind: 'passed', detail: 'the command exited with 0: /usr' });
  });

  it('fails with the exit code or signal and the last line', async () => {
    expect(await run(cmd('echo first; echo no such table >&2; exit 3'))).toEqual({ kind: 'failed', detail: 'the command exited with 3: no such table' });
    expect(await run(cmd('kill -SEGV $$'))).toEqual({ kind: 'failed', detail: 'the command was ended by SIGSEGV' });
    expect(await run(cmd("/bin/sh -c 'kill -TERM $$'; exit $?"))).toEqual({ kind: 'failed', detail: 'the command exited with 143 (SIGTERM): Terminated' });
    expect(await run(cmd('true', { workingDir: '/no/such' }))).toEqual({
      kind: 'failed', detail: 'the command could not be started: the folder /no/such does not exist',
    });
  });

  it('keeps only the end of a flood', async () => {
    const result = await run(cmd('yes flood | head -c 20000000; echo; echo the end; exit 1'));
    expect(result.detail).toBe('the command exited with 1: the end');
  });

  it('is over with its command, though something it left behind holds the output', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'hive-health-'));
    cleanups.push(() => rm(folder, { recursive: true }));
    const pidFile = join(folder, 'pid');
    const result = await run(cmd(`sleep 300 & echo $! > ${pidFile}; echo fine`));
    process.kill(Number(await readFile(pidFile, 'utf8')), 'SIGKILL');
    expect(result).toEqual({ kind: 'passed', detail: 'the command exited with 0: fine' });
  }, 8000);

  const grandchildOf = async (signal: AbortSignal, timeoutMs: number): Promise<{ result: Promise<ProbeResult>; pid: number }> => {
    const folder = await mkdtemp(join(tmpdir(), 'hive-health-'));
    cleanups.push(() => rm(folder, { recursive: true }));
    const pidFile = join(folder, 'pid');
    const result = run(cmd(`trap '' TERM; (trap '' TERM; sleep 300) & echo $! > ${pidFile}; wait`, { timeoutMs }), {}, signal);
    const pid = await waitFor('the grandchild', async () => Number((await readFile(pidFile, 'utf8').catch(() => '')).trim()) || undefined);
    return { result, pid };
  };

  const isGone = async (pid: number): Promise<boolean> => {
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => null);
    return stat === null || /\) [ZX] /.test(stat);
  };

  it('is killed with its whole process group when the time is up', async () => {
    const { result, pid } = await grandchildOf(never, 700);
    expect(await result).toEqual({ kind: 'timed-out', detail: 'the command did not end within 700 ms and was killed' });
    await waitFor('the grandchild to be gone', () => isGone(pid));
  });

  it('is killed with its whole process group when it is called off', async () => {
    const ended = new AbortController();
    const { result, pid } = await grandchildOf(ended.signal, 60_000);
    ended.abort();
    expect((await result).kind).toBe('inconclusive');
    await waitFor('the grandchild to be gone', () => isGone(pid));
  });
});

it('names each kind of check in a few words', () => {
  expect(describeCheck(http)).toBe('http GET /health on port main');
  expect(describeCheck(tcp)).toBe('tcp port main');
  expect(describeCheck({ type: 'cmd', command: 'pg_isready -d postgres://user:password@db/', workingDir: '/', ...timing })).toBe('cmd pg_isready');
  expect(describeCheck({ type: 'cmd', command: 'PGPASSWORD=password pg_isready', workingDir: '/', ...timing })).toBe('cmd');
  expect(describeCheck({ ...http, path: '/health?token=secret' })).toBe('http GET /health on port main');
});

import { afterEach, describe, expect, it } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import type { WebSocket } from 'ws';
import { SignalingServer } from '../../examples/signaling/signaling-server.js';
import { linkSentence } from '../../plugins/signaling-control/link/describe-link.js';
import { defaultLinkTimings, type LinkTimings } from '../../plugins/signaling-control/link/link-timings.js';
import { reconnectDelay } from '../../plugins/signaling-control/link/reconnect-delay.js';
import { SignalingLink, type LinkState, type LinkTarget } from '../../plugins/signaling-control/link/signaling-link.js';
import { packageRoot } from '../../shared/package-root.js';
import { seededRandom } from '../support/seeded-random.js';
import { until } from '../support/until.js';

const tls = (file: string): string => join(packageRoot(), 'test/fixtures/tls', file);
const ends: (() => Promise<void> | void)[] = [];
afterEach(async () => { for (const end of ends.splice(0).reverse()) await end(); });

async function serve(options: Partial<ConstructorParameters<typeof SignalingServer>[0]> = {}, port = 0): Promise<{ server: SignalingServer; url: string }> {
  const server = new SignalingServer({ secret: 's', ...options });
  const url = await server.listen(port);
  ends.push(() => server.close());
  return { server, url };
}

interface Watched { readonly link: SignalingLink; readonly states: LinkState[]; readonly frames: unknown[]; readonly said: string[] }

function connect(url: string, target: Partial<LinkTarget> = {}, timings: Partial<LinkTimings> = {}): Watched {
  const states: LinkState[] = [];
  const frames: unknown[] = [];
  const said: string[] = [];
  const link = new SignalingLink({ url: new URL(url), hiveId: 'h', secret: 's', dialect: 'hive', ca: null, version: '1', kinds: [], ...target }, {
    timings: { ...defaultLinkTimings, ...timings },
    onFrame: (frame) => void frames.push(frame),
    onRegistered: () => {},
    onState: (state) => void states.push(state),
    log: (_, message) => void said.push(message),
  });
  link.open();
  ends.push(() => link.close());
  return { link, states, frames, said };
}

const registered = ({ link }: Watched) => until(() => (link.state.is === 'registered' ? true : undefined), 'the link to be registered');
const lost = (watched: Watched) => until(() => watched.states.find((state): state is Extract<LinkState, { is: 'waiting' }> => state.is === 'waiting'), 'the link to be lost');
const socketOf = (server: SignalingServer): WebSocket => [...server.sockets][0] ?? (() => { throw new Error('nobody is connected'); })();

describe('the link', () => {
  it.each(['hive', 'legacy'] as const)('registers in the dialect %s', async (dialect) => {
    const types: string[] = [];
    const { url } = await serve({ onRegistered: (_, { type }) => void types.push(type) });
    await registered(connect(url, { dialect }));
    expect(types).toEqual([dialect === 'hive' ? 'hive_register' : 'register_hive']);
  });

  it('says what the server has against a registration, and tries again', async () => {
    const { url } = await serve();
    const watched = connect(url, { secret: 'wrong' });
    const state = await lost(watched);
    expect(state.reason).toBe('the server says "The signature of the registration is wrong."');
    expect(linkSentence(state, url, 'h')).toMatch(/^Not connected to .*: the server says .* It is tried again within \d+ s\.$/);
    await until(() => (watched.link.counters.connections > 1 ? true : undefined), 'another attempt');
  });

  it('comes back when the server does', async () => {
    const first = await serve();
    const watched = connect(first.url);
    await registered(watched);
    await first.server.close();
    await lost(watched);
    await serve({}, Number(new URL(first.url).port));
    await registered(watched);
  });

  it('trusts nobody whom its certificates do not vouch for', async () => {
    const { url } = await serve({ tls: { key: readFileSync(tls('server.key'), 'utf8'), cert: readFileSync(tls('server.pem'), 'utf8') } });
    expect((await lost(connect(url))).reason).toMatch(/certificate/);
    await registered(connect(url, { ca: tls('ca.pem') }));
    // The certificate is for localhost and 127.0.0.1 alone.
    expect((await lost(connect(url.replace('127.0.0.1', '[::ffff:127.0.0.1]'), { ca: tls('ca.pem') }))).reason).toMatch(/altnames/);
    expect((await lost(connect(url, { ca: '/nowhere/ca.pem' }))).reason).toMatch(/ENOENT/);
  });

  it('asks for no compression', async () => {
    const { server, url } = await serve();
    await registered(connect(url));
    expect(socketOf(server).extensions).toBe('');
  });

  it('counts and ignores what is malformed or unknown, and lives on', async () => {
    const { server, url } = await serve();
    const watched = connect(url);
    await registered(watched);
    const socket = socketOf(server);
    for (const nonsense of ['{', '[]', '7', '{"type":7}', '{"type":"hive_spawn_cocoon"}']) socket.send(nonsense);
    socket.send(Buffer.from([1, 2, 3]), { binary: true });
    socket.send(Buffer.from([0x22, 0xff, 0x22]), { binary: false });
    for (const type of ['web_rtc_offer', '\u001b[31mred\n']) socket.send(JSON.stringify({ type }));
    socket.send(JSON.stringify({ type: 'system_error', message: 'all is\nnot well' }));
    socket.send(JSON.stringify({ type: 'spawn_cocoon', request_id: 'r', setup_token: 'planted', kind: 'k' }));
    await until(() => (watched.frames.length === 1 ? true : undefined), 'the good one');
    expect(watched.link.counters).toEqual({ connections: 1, malformed: 7, unknown: 2, serverErrors: 1 });
    expect(watched.link.state.is).toBe('registered');
    // On one line, and without what a terminal would obey.
    expect(watched.said.filter((line) => /[\p{Cc}]/u.test(line))).toEqual([]);
    expect(watched.said.join()).not.toContain('planted');
  });

  it('ends at a frame of more than 1 MiB, and is made anew', async () => {
    const { server, url } = await serve();
    const watched = connect(url);
    await registered(watched);
    socketOf(server).send(JSON.stringify({ type: 'x', fill: 'x'.repeat(2 ** 20 - 25) }));
    await until(() => (watched.link.counters.unknown === 1 ? true : undefined), 'a frame of just 1 MiB to be taken');
    socketOf(server).send(JSON.stringify({ type: 'x', fill: 'x'.repeat(2 ** 20) }));
    expect((await lost(watched)).reason).toMatch(/payload/i);
    await registered(watched);
  });

  it('is dead after two pings without an answer', async () => {
    const { server, url } = await serve();
    const watched = connect(url, {}, { pingMs: 100 });
    await registered(watched);
    // A server that is stopped in its tracks: TCP still takes everything.
    (socketOf(server) as unknown as { _socket: Socket })._socket.pause();
    expect((await lost(watched)).reason).toBe('the server answered no ping for 0.2 s');
  });

  it('lives as long as pings are answered', async () => {
    const { server, url } = await serve();
    const watched = connect(url, {}, { pingMs: 20 });
    await registered(watched);
    let pings = 0;
    socketOf(server).on('ping', () => { pings += 1; });
    await until(() => (pings > 10 ? true : undefined), 'many pings');
    expect(watched.states.map(({ is }) => is)).toEqual(['connecting', 'registering', 'registered']);
  });

  it('does not wait for ever for a server that says nothing', async () => {
    const silent = createServer((socket) => socket.on('error', () => {}));
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
    const sockets: Socket[] = [];
    silent.on('connection', (socket: Socket) => sockets.push(socket));
    ends.push(() => { for (const socket of sockets) socket.destroy(); silent.close(); });
    const address = silent.address();
    const port = typeof address === 'object' ? address?.port : 0;
    expect((await lost(connect(`ws://127.0.0.1:${port}/`, {}, { connectMs: 100 }))).reason).toMatch(/handshake has timed out/);
  });

  it('tells when what was sent has arrived, and not before', async () => {
    const got: string[] = [];
    const { server, url } = await serve({ onMessage: (_, { type }) => void got.push(type) });
    const watched = connect(url, {}, { confirmMs: 10 });
    await registered(watched);
    let arrived = 0;
    expect(watched.link.send('{"type":"one"}', () => { arrived += 1; })).toBe(true);
    await until(() => (arrived === 1 ? true : undefined), 'the word that it has arrived');
    expect(got).toEqual(['one']);
    (socketOf(server) as unknown as { _socket: Socket })._socket.pause();
    watched.link.send('{"type":"two"}', () => { arrived += 1; });
    socketOf(server).terminate();
    await lost(watched);
    expect(watched.link.send('{"type":"three"}')).toBe(false);
    expect(arrived).toBe(1);
  });
});

describe('the pauses between attempts', () => {
  it('are anything up to a ceiling that doubles from 1 s to 60 s', () => {
    const random = seededRandom(5);
    for (const [failures, ceiling] of [[0, 1_000], [1, 2_000], [3, 8_000], [5, 32_000], [6, 60_000], [50, 60_000], [1e9, 60_000]] as const) {
      const pauses = Array.from({ length: 1_000 }, () => reconnectDelay(failures, random()));
      expect(Math.max(...pauses)).toBeLessThan(ceiling);
      expect(Math.max(...pauses)).toBeGreaterThan(ceiling * 0.98);
      expect(Math.min(...pauses)).toBeLessThan(ceiling * 0.02);
    }
  });
});

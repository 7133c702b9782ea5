import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { HiveError } from '../../shared/errors/hive-error.js';
import { RawJson } from '../../shared/rpc/index.js';
import { Bench, frameOf, until, type RawClient } from './pair.js';

let bench: Bench;
let calls: { method: string; params: unknown }[];
beforeEach(async () => {
  bench = new Bench();
  calls = [];
  await bench.serve({
    onRequest: (method, params) => {
      calls.push({ method, params });
      return 'fine';
    },
    limits: { frameTimeoutMs: 100 },
  });
});
afterEach(() => bench.stop());

async function expectClosed(raw: RawClient, kind: string, message: RegExp): Promise<void> {
  const reason = await (await bench.lastServed()).closed;
  expect(reason.kind).toBe(kind);
  expect(reason.message).toMatch(message);
  await until(() => raw.ended);
  expect(calls).toEqual([]);
}

async function expectAlive(raw: RawClient): Promise<void> {
  raw.send({ jsonrpc: '2.0', id: 'alive', method: 'ping' });
  await until(() => raw.messages.some((message) => message['id'] === 'alive' && message['result'] === 'fine'));
}

describe('a stream that is not frames is closed, and told why', () => {
  const body = '{"jsonrpc":"2.0","id":1,"method":"ping"}';
  const streams: [string, string | Buffer, RegExp][] = [
    ['a negative length', 'Content-Length: -1\r\n\r\n{}', /not a number/],
    ['a huge length', 'Content-Length: 8388609\r\n\r\n', /exceeds the limit of 8388608/],
    ['a length beyond any number', `Content-Length: ${'9'.repeat(40)}\r\n\r\n`, /not a number/],
    ['a length in words', 'Content-Length: ten\r\n\r\n', /not a number/],
    ['a length in hexadecimal', `Content-Length: 0x28\r\n\r\n${body}`, /not a number/],
    ['a length with a sign', `Content-Length: +40\r\n\r\n${body}`, /not a number/],
    ['a length with a fraction', `Content-Length: 40.0\r\n\r\n${body}`, /not a number/],
    ['an empty length', `Content-Length: \r\n\r\n${body}`, /not a number/],
    ['two lengths', `Content-Length: 40\r\nContent-Length: 40\r\n\r\n${body}`, /twice/],
    ['no length', `Content-Type: x\r\n\r\n${body}`, /no Content-Length/],
    ['an empty header block', '\r\n\r\n\r\n\r\n', /no name/],
    ['a header without a colon', `Content-Length 40\r\n\r\n${body}`, /no name/],
    ['another charset', `Content-Length: 40\r\nContent-Type: a/b; charset=utf-16\r\n\r\n${body}`, /charset/],
    ['seventeen headers', `${'X-A: 1\r\n'.repeat(16)}Content-Length: 40\r\n\r\n${body}`, /more than 16 headers/],
    ['an endless header', `X: ${'a'.repeat(5000)}`, /longer than 4096/],
    ['lines that end in a bare line feed', `Content-Length: 40\n\n${body}${' '.repeat(5000)}`, /longer than 4096/],
    ['HTTP', 'GET / HTTP/1.1\r\nHost: x\r\n\r\n', /no name/],
    ['random bytes', Buffer.from(Array.from({ length: 6000 }, (_, i) => (i * 7919) % 251)), /longer than 4096/],
  ];
  it.each(streams)('%s', async (_name, stream, message) => {
    const raw = await bench.dialRaw();
    raw.write(stream);
    await expectClosed(raw, 'bad-frame', message);
    expect(raw.messages[0]).toMatchObject({ id: null, error: { code: -32700 } });
  });

  it('a frame that is never finished', async () => {
    const raw = await bench.dialRaw();
    raw.write('Content-Length: 40\r\n\r\n{"json');
    await expectClosed(raw, 'stalled-frame', /not finished within 100 ms/);
  });

  it('a header that is never finished', async () => {
    const raw = await bench.dialRaw();
    raw.write('C');
    await expectClosed(raw, 'stalled-frame', /not finished within 100 ms/);
  });
});

describe('honest frames, however they come', () => {
  // Every request has an id of its own: while one waits, vscode-jsonrpc takes another of the same id for its replacement.
  let id = 0;
  const request = (): string => JSON.stringify({ jsonrpc: '2.0', id: 1000 + id++, method: 'ping', params: { text: 'ü€😀' } });
  const frame = (): Buffer => Buffer.from(frameOf(request()));

  it('one byte at a time', async () => {
    const raw = await bench.dialRaw();
    raw.socket.setNoDelay(true);
    for (const byte of Buffer.concat([frame(), frame()])) {
      raw.write(Buffer.from([byte]));
      await new Promise(setImmediate);
    }
    await until(() => raw.messages.length === 2);
    expect(calls.map((call) => call.params)).toEqual([{ text: 'ü€😀' }, { text: 'ü€😀' }]);
  });

  it('cut at every place', async () => {
    const raw = await bench.dialRaw();
    const { length } = frame();
    for (let cut = 1; cut < length; cut++) {
      const first = frame();
      raw.write(first.subarray(0, cut));
      await new Promise(setImmediate);
      raw.write(Buffer.concat([first.subarray(cut), frame()]));
      await new Promise(setImmediate);
    }
    await until(() => raw.messages.length === (length - 1) * 2);
    expect(calls.every((call) => (call.params as { text: string }).text === 'ü€😀')).toBe(true);
  });

  it('with other headers, in other cases and orders', async () => {
    const raw = await bench.dialRaw();
    const length = Buffer.byteLength(request());
    raw.write(`content-length:${length}\r\n\r\n${request()}`);
    raw.write(`Content-Type: application/vscode-jsonrpc; charset=utf-8\r\nCONTENT-LENGTH:   ${length}  \r\nX-Other: 1\r\n\r\n${request()}`);
    raw.write(`Content-Length: 000${length}\r\n\r\n${request()}`);
    await until(() => raw.messages.length === 3);
    expect(calls).toHaveLength(3);
  });

  it('a thousand in one write, answered in order', async () => {
    const raw = await bench.dialRaw();
    raw.write(Array.from({ length: 1000 }, (_, id) => frameOf(`{"jsonrpc":"2.0","id":${id},"method":"m"}`)).join(''));
    await until(() => raw.messages.length === 1000);
    expect(raw.messages.map((message) => message['id'])).toEqual(Array.from({ length: 1000 }, (_, id) => id));
  });

  it('of exactly 8 MiB, while one byte more closes', async () => {
    const raw = await bench.dialRaw();
    const shell = '{"jsonrpc":"2.0","id":1,"method":"m","params":{"t":""}}';
    const full = shell.replace('""', `"${'x'.repeat(8 * 1024 * 1024 - shell.length)}"`);
    raw.send(full);
    await until(() => calls.length === 1);
    expect((calls[0]?.params as { t: string }).t.length).toBe(8 * 1024 * 1024 - shell.length);
    calls = [];
    raw.send(`${full} `);
    await expectClosed(raw, 'bad-frame', /exceeds the limit/);
  });
});

describe('a frame that is no message is answered with an error, and the connection lives', () => {
  const deep = (levels: number): string => `${'['.repeat(levels)}${']'.repeat(levels)}`;
  const bodies: [string, string, { id: unknown; code: number; message: RegExp }][] = [
    ['nothing', '', { id: null, code: -32700, message: /not JSON/ }],
    ['no JSON', '{"jsonrpc":', { id: null, code: -32700, message: /not JSON/ }],
    ['a number', '5', { id: null, code: -32600, message: /is an object/ }],
    ['null', 'null', { id: null, code: -32600, message: /is an object/ }],
    ['an empty batch', '[]', { id: null, code: -32600, message: /Batches/ }],
    ['a batch', '[{"jsonrpc":"2.0","id":1,"method":"services.stop"}]', { id: null, code: -32600, message: /Batches/ }],
    ['an empty object', '{}', { id: null, code: -32600, message: /"jsonrpc": "2.0"/ }],
    ['another version', '{"jsonrpc":"1.0","id":1,"method":"m"}', { id: null, code: -32600, message: /"jsonrpc": "2.0"/ }],
    ['neither method nor result', '{"jsonrpc":"2.0"}', { id: null, code: -32600, message: /"method"/ }],
    ['a method that is a number', '{"jsonrpc":"2.0","id":9,"method":1}', { id: 9, code: -32600, message: /"method" is a string/ }],
    ['an empty method', '{"jsonrpc":"2.0","id":9,"method":""}', { id: 9, code: -32600, message: /"method" is a string/ }],
    ['an endless method', `{"jsonrpc":"2.0","id":9,"method":"${'m'.repeat(257)}"}`, { id: 9, code: -32600, message: /256/ }],
    ['an id that is null', '{"jsonrpc":"2.0","id":null,"method":"m"}', { id: null, code: -32600, message: /"id"/ }],
    ['an id that is an object', '{"jsonrpc":"2.0","id":{},"method":"m"}', { id: null, code: -32600, message: /"id"/ }],
    ['an endless id', `{"jsonrpc":"2.0","id":"${'i'.repeat(257)}","method":"m"}`, { id: null, code: -32600, message: /"id"/ }],
    ['params that are a string', '{"jsonrpc":"2.0","id":9,"method":"m","params":"x"}', { id: 9, code: -32602, message: /object or an array/ }],
    ['a cancel without an id', '{"jsonrpc":"2.0","method":"$/cancelRequest"}', { id: null, code: -32602, message: /object or an array/ }],
    ['a cancel of an object', '{"jsonrpc":"2.0","method":"$/cancelRequest","params":{"id":{"toString":1}}}', { id: null, code: -32602, message: /./ }],
    ['progress without a token', '{"jsonrpc":"2.0","method":"$/progress","params":null}', { id: null, code: -32602, message: /./ }],
    ['100,000 levels', deep(100_000), { id: null, code: -32700, message: /deeper than 64/ }],
    ['65 levels', `{"jsonrpc":"2.0","id":9,"method":"m","params":${deep(64)}}`, { id: null, code: -32700, message: /deeper/ }],
    ['__proto__', '{"jsonrpc":"2.0","id":9,"method":"m","params":{"a":[{"__proto__":{"x":1}}]}}', { id: 9, code: -32602, message: /prototype/ }],
    ['__proto__ in disguise', '{"jsonrpc":"2.0","id":9,"method":"m","params":{"\\u005f_pr\\u006Fto__":1}}', { id: 9, code: -32602, message: /prototype/ }],
    ['constructor.prototype', '{"jsonrpc":"2.0","id":9,"method":"m","params":{"constructor":{"prototype":{}}}}', { id: 9, code: -32602, message: /prototype/ }],
    ['__proto__ beside it all', '{"__proto__":1,"jsonrpc":"2.0","id":9,"method":"m"}', { id: 9, code: -32602, message: /prototype/ }],
  ];
  it.each(bodies)('%s', async (_name, body, expected) => {
    const raw = await bench.dialRaw();
    raw.send(body);
    await until(() => raw.messages.length === 1);
    const answer = raw.messages[0] as { id: unknown; error: { code: number; message: string; data: unknown } };
    expect(answer).toMatchObject({ id: expected.id, error: { code: expected.code, data: { code: 'INVALID_PARAMS' } } });
    expect(answer.error.message).toMatch(expected.message);
    expect(calls).toEqual([]);
    await expectAlive(raw);
  });

  it('but answers that nobody asked for are ignored', async () => {
    const raw = await bench.dialRaw();
    raw.send({ jsonrpc: '2.0', id: 77, result: 1 });
    raw.send({ jsonrpc: '2.0', id: 'constructor', error: 5 });
    raw.send({ jsonrpc: '2.0', method: '$/cancelRequest', params: { id: 4711 } });
    raw.send({ jsonrpc: '2.0', method: '$/progress', params: { token: 4711, value: 1 } });
    raw.send({ jsonrpc: '2.0', method: '$/setTrace', params: { value: 'verbose' } });
    raw.send({ jsonrpc: '2.0', method: '$/logTrace', params: [1, 2, 3] });
    await expectAlive(raw);
    expect(raw.messages).toHaveLength(1);
    raw.send({ jsonrpc: '2.0', id: null, error: { code: -32700, message: 'I did not get that' } });
    await until(() => bench.defects.length === 1);
    expect(String(bench.defects[0])).toContain('I did not get that');
  });

  it('and harmless look-alikes pass', async () => {
    const client = await bench.dial();
    const params = { constructor: 'text', list: [{ constructor: { name: 1 } }], text: '__proto__ and {[[[', deep: JSON.parse(deep(62)) as unknown };
    await client.call('m', params);
    await client.call('m', { quoted: `"${'[{'.repeat(200)}\\"` });
    expect(calls[0]?.params).toEqual(params);
  });
});

describe('what this side would send wrongly fails here, and the connection survives', () => {
  async function codeOf(call: Promise<unknown>): Promise<string> {
    return call.then(() => 'sent', (thrown: unknown) => (thrown instanceof HiveError ? thrown.code : String(thrown)));
  }

  it('params and results over the limit: TOO_LARGE', async () => {
    const client = await bench.dial({ onRequest: () => ({ text: 'ü'.repeat(5 * 1024 * 1024) }) });
    expect(await codeOf(client.call('m', { text: 'x'.repeat(9 * 1024 * 1024) }))).toBe('TOO_LARGE');
    expect(await codeOf(client.call('m', new RawJson(`"${'ü'.repeat(4.2 * 1024 * 1024)}"`)))).toBe('TOO_LARGE');
    expect(() => client.notify('m', { text: 'x'.repeat(9 * 1024 * 1024) })).toThrow(/limit/);
    expect(await codeOf((await bench.lastServed()).call('m'))).toBe('TOO_LARGE');
    expect(await client.call('ping')).toBe('fine');
  });

  it('errors over the limit lose their facts and keep their code', async () => {
    const client = await bench.dial({
      onRequest: () => {
        throw new HiveError('CONFLICT', 'Too many facts.', { data: { text: 'x'.repeat(9 * 1024 * 1024) } });
      },
    });
    expect(await codeOf((await bench.lastServed()).call('m'))).toBe('CONFLICT');
    expect(await client.call('ping')).toBe('fine');
  });

  it('too deep, or with a key that reaches for a prototype: INVALID_PARAMS', async () => {
    const client = await bench.dial();
    let nested: unknown = 'x'.repeat(200);
    for (let level = 0; level < 80; level++) nested = [nested];
    expect(await codeOf(client.call('m', { nested }))).toBe('INVALID_PARAMS');
    expect(await codeOf(client.call('m', JSON.parse('{"__proto__":1}') as object))).toBe('INVALID_PARAMS');
    expect(await codeOf(client.call('m'.repeat(300)))).toBe('INVALID_PARAMS');
    expect(calls).toEqual([]);
    expect(await client.call('ping')).toBe('fine');
  });
});

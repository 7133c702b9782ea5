import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { HiveError } from '../../shared/errors/hive-error.js';
import { methodNotFound, RawJson, type RequestContext } from '../../shared/rpc/index.js';
import { Bench, until } from './pair.js';

let bench: Bench;
beforeEach(() => {
  bench = new Bench();
});
afterEach(() => bench.stop());

/** The rejection of a promise, which must be a HiveError. */
async function failure(promise: Promise<unknown>): Promise<HiveError> {
  const thrown = await promise.then(
    (value) => new Error(`resolved with ${JSON.stringify(value)}`),
    (error: unknown) => error,
  );
  expect(thrown).toBeInstanceOf(HiveError);
  return thrown as HiveError;
}

describe('a call', () => {
  it('carries params there and the result back', async () => {
    await bench.serve({ onRequest: (method, params) => ({ method, params }) });
    const client = await bench.dial();
    expect(await client.call('services.get', { fqn: 'shop:ü€😀' })).toEqual({ method: 'services.get', params: { fqn: 'shop:ü€😀' } });
    expect(await client.call('bare')).toEqual({ method: 'bare' });
    expect(await client.call('list', [1, 2])).toEqual({ method: 'list', params: [1, 2] });
  });

  it('turns an undefined result into null', async () => {
    await bench.serve({ onRequest: () => undefined });
    expect(await (await bench.dial()).call('nothing')).toBeNull();
  });

  it('works in both directions at the same time, also from inside a handler', async () => {
    await bench.serve({
      onRequest: async (_method, params) => {
        const { n } = params as { n: number };
        return n === 0 ? 'bottom' : (await bench.lastServed()).call('down', { n: n - 1 });
      },
    });
    const client = await bench.dial({ onRequest: (_method, params) => client.call('down', params as object) });
    expect(await client.call('down', { n: 20 })).toBe('bottom');
  });

  it('does not wait for calls before it', async () => {
    const gate = openGate();
    await bench.serve({ onRequest: (method) => (method === 'slow' ? gate.promise.then(() => 'slow') : 'fast') });
    const client = await bench.dial();
    const slow = client.call('slow');
    expect(await client.call('fast')).toBe('fast');
    gate.resolve();
    expect(await slow).toBe('slow');
  });

  it('splices RawJson into params and results as it is', async () => {
    await bench.serve({ onRequest: (_method, params) => new RawJson(`{"got":${JSON.stringify(params)} , "spaced" : 1}`) });
    const raw = RawJson.object({ a: 1, skipped: undefined, list: RawJson.array([new RawJson('{"x":1}'), new RawJson('"ü"')]) });
    expect(await (await bench.dial()).call('echo', raw)).toEqual({ got: { a: 1, list: [{ x: 1 }, 'ü'] }, spaced: 1 });
  });

  it('carries 6 MiB there and back', async () => {
    await bench.serve({ onRequest: (_method, params) => params });
    const text = 'ü'.repeat(3 * 1024 * 1024);
    const result = await (await bench.dial()).call<{ text: string }>('echo', { text });
    expect(result.text === text).toBe(true);
  });
});

describe('an error', () => {
  it('comes back equal to what the handler threw', async () => {
    const thrown = new HiveError('CONFLICT', 'Port 80 belongs to shop:web.', { next: 'Choose another port.', data: { port: 80, owners: ['shop:web'] } });
    await bench.serve({
      onRequest: (method) => {
        if (method === 'sync') throw thrown;
        return Promise.reject(thrown);
      },
    });
    const client = await bench.dial();
    for (const method of ['sync', 'async']) {
      const error = await failure(client.call(method));
      expect([error.code, error.number, error.message, error.next]).toEqual([thrown.code, thrown.number, thrown.message, thrown.next]);
      expect(error.data).toEqual(thrown.data);
    }
    expect(bench.defects).toEqual([]);
  });

  it('that is no HiveError becomes INTERNAL without its stack, and is reported here', async () => {
    const defect = new TypeError('x is not a function\n    at secret.ts:1');
    await bench.serve({ onRequest: () => Promise.reject(defect) });
    const error = await failure((await bench.dial()).call('broken'));
    expect(error.code).toBe('INTERNAL');
    expect(error.message).toBe('broken failed: x is not a function');
    expect(JSON.stringify(error.data)).not.toContain('secret.ts');
    expect(bench.defects).toEqual([defect]);
  });

  it('says METHOD_NOT_FOUND for what nobody handles', async () => {
    await bench.serve();
    expect((await failure((await bench.dial()).call('no.such'))).code).toBe('METHOD_NOT_FOUND');
    expect(methodNotFound('a.b').number).toBe(-32601);
  });

  it('of a result that cannot be JSON is INVALID_PARAMS or INTERNAL, never silence', async () => {
    const circle: Record<string, unknown> = {};
    circle['self'] = circle;
    await bench.serve({ onRequest: (method) => (method === 'circle' ? circle : { big: 1n }) });
    const client = await bench.dial();
    expect((await failure(client.call('circle'))).message).toContain('cannot be written as JSON');
    expect((await failure(client.call('bigint'))).message).toContain('cannot be written as JSON');
    expect((await failure(client.call('params', circle))).code).toBe('INVALID_PARAMS');
  });

  it('from a peer that does not know our codes is understood by its number', async () => {
    await bench.serve();
    const raw = await bench.dialRaw();
    const server = await bench.lastServed();
    const call = server.call('ask');
    await until(() => raw.messages.length === 1);
    raw.send({ jsonrpc: '2.0', id: raw.messages[0]?.['id'], error: { code: -32601, message: 'what?', data: 7 } });
    const error = await failure(call);
    expect([error.code, error.message, error.data['peerData']]).toEqual(['METHOD_NOT_FOUND', 'what?', 7]);
  });
});

describe('withdrawing a call', () => {
  it('by its deadline names method and time, and tells the handler', async () => {
    const seen: RequestContext[] = [];
    await bench.serve({
      onRequest: (_method, _params, context) => {
        seen.push(context);
        return new Promise((resolve) => context.signal.addEventListener('abort', resolve));
      },
    });
    const client = await bench.dial({ defaultDeadlineMs: 40 });
    const error = await failure(client.call('services.wait'));
    expect(error.code).toBe('TIMEOUT');
    expect(error.message).toBe('services.wait was not answered by the server within 40 ms.');
    await until(() => seen[0]?.signal.aborted === true);
    expect(client.stats.pendingCalls).toBe(0);
    await until(() => bench.served[0]?.stats.runningRequests === 0);
    expect(bench.defects).toEqual([]);
  });

  it('by a shorter and a longer deadline keeps both', async () => {
    await bench.serve({ onRequest: () => new Promise(() => {}) });
    const client = await bench.dial();
    const order: string[] = [];
    const long = failure(client.call('long', {}, { deadlineMs: 120 })).then(() => order.push('long'));
    const short = failure(client.call('short', {}, { deadlineMs: 30 })).then(() => order.push('short'));
    await Promise.all([long, short]);
    expect(order).toEqual(['short', 'long']);
  });

  it('is not done for an answer that came while this process was busy', async () => {
    await bench.serve();
    const raw = await bench.dialRaw();
    const call = (await bench.lastServed()).call('quick', {}, { deadlineMs: 60 });
    await until(() => raw.messages.length === 1);
    raw.send({ jsonrpc: '2.0', id: raw.messages[0]?.['id'], result: 'in time' });
    const end = performance.now() + 150;
    while (performance.now() < end);
    expect(await call).toBe('in time');
  });

  it('by a signal fails with CANCELLED at once', async () => {
    let aborted = false;
    await bench.serve({
      onRequest: (_method, _params, { signal }) =>
        new Promise((_resolve, reject) =>
          signal.addEventListener('abort', () => {
            aborted = true;
            reject(new Error('stopped'));
          }),
        ),
    });
    const client = await bench.dial();
    const controller = new AbortController();
    const call = failure(client.call('long', {}, { signal: controller.signal }));
    await until(() => bench.served[0]?.stats.runningRequests === 1);
    controller.abort();
    expect((await call).code).toBe('CANCELLED');
    await until(() => aborted);
    expect((await failure(client.call('never sent', {}, { signal: controller.signal }))).code).toBe('CANCELLED');
    expect(bench.defects).toEqual([]);
  });

  it('that overtakes its request finds the signal aborted', async () => {
    const aborted: boolean[] = [];
    await bench.serve({ onRequest: (_method, _params, { signal }) => void aborted.push(signal.aborted) });
    const raw = await bench.dialRaw();
    raw.send({ jsonrpc: '2.0', id: 5, method: 'x' });
    raw.send({ jsonrpc: '2.0', method: '$/cancelRequest', params: { id: 5 } });
    await until(() => raw.messages.length === 1);
    expect(aborted).toHaveLength(1);
  });
});

describe('progress', () => {
  it('reaches the caller in order and before the result', async () => {
    await bench.serve({
      onRequest: async (_method, _params, context) => {
        context.progress({ phase: 'starting' });
        await Promise.resolve();
        context.progress({ phase: 'healthy' });
        return 'deployed';
      },
    });
    const client = await bench.dial();
    const seen: unknown[] = [];
    const result = await client.call('services.deploy', {}, { onProgress: (value) => seen.push(value) });
    seen.push(result);
    expect(seen).toEqual([{ phase: 'starting' }, { phase: 'healthy' }, 'deployed']);
    expect(await client.call('services.deploy')).toBe('deployed');
  });

  it('that its listener chokes on does not fail the call', async () => {
    await bench.serve({
      onRequest: (_method, _params, context) => {
        context.progress(1);
        return 'done';
      },
    });
    const defects: unknown[] = [];
    const client = await bench.dial({ onDefect: (error) => defects.push(error) });
    const result = client.call('x', {}, { onProgress: () => { throw new Error('listener'); } });
    expect(await result).toBe('done');
    expect(defects).toHaveLength(1);
  });
});

describe('notifications', () => {
  it('are handled one after the other, while calls go on', async () => {
    const log: string[] = [];
    const gates = [openGate(), openGate()];
    await bench.serve({
      onRequest: () => [...log],
      onNotification: async (_method, params) => {
        const { n } = params as { n: number };
        log.push(`begin ${n}`);
        await gates[n]?.promise;
        log.push(`end ${n}`);
      },
    });
    const client = await bench.dial();
    for (const n of [0, 1, 2]) client.notify('event', { n });
    expect(await client.call('log')).toEqual(['begin 0']);
    gates[1]?.resolve();
    expect(await client.call('log')).toEqual(['begin 0']);
    expect(bench.served[0]?.stats.waitingNotifications).toBe(2);
    gates[0]?.resolve();
    await until(() => log.length === 6);
    expect(log).toEqual(['begin 0', 'end 0', 'begin 1', 'end 1', 'begin 2', 'end 2']);
  });

  it('keep their order over thousands of slow handlers', async () => {
    const seen: number[] = [];
    await bench.serve({
      onNotification: async (_method, params) => {
        await new Promise(setImmediate);
        seen.push((params as { n: number }).n);
      },
    });
    const client = await bench.dial();
    for (let n = 0; n < 5000; n++) client.notify('event', { n });
    await until(() => seen.length === 5000);
    expect(seen).toEqual(Array.from({ length: 5000 }, (_, n) => n));
  });

  it('whose handler throws are reported, and the next one comes', async () => {
    const seen: string[] = [];
    await bench.serve({
      onNotification: (method) => {
        seen.push(method);
        if (method === 'sync') throw new Error('sync');
        return method === 'async' ? Promise.reject(new Error('async')) : undefined;
      },
    });
    const client = await bench.dial();
    for (const method of ['sync', 'async', 'last']) client.notify(method);
    await until(() => seen.length === 3);
    expect(bench.defects.map(String)).toEqual(['Error: sync', 'Error: async']);
  });
});

describe('the end of a connection', () => {
  it('rejects every pending call on both sides and aborts what runs', async () => {
    let reason: unknown;
    await bench.serve({
      onRequest: (_method, _params, { signal }) =>
        new Promise(() => signal.addEventListener('abort', () => {
          reason = signal.reason;
        })),
    });
    const client = await bench.dial({ onRequest: () => new Promise(() => {}) });
    const calls = [failure(client.call('a')), failure(client.call('b'))];
    const server = await bench.lastServed();
    const back = failure(server.call('c'));
    await until(() => server.stats.runningRequests === 2);
    client.close('Bored.');
    for (const error of await Promise.all([...calls, back])) expect(error.code).toBe('CONNECTION_CLOSED');
    expect((await calls[0])?.message).toBe('The connection to the server is closed: Bored.');
    expect(await client.closed).toEqual({ kind: 'closed-here', message: 'Bored.' });
    expect((await server.closed).kind).toBe('peer-ended');
    await until(() => reason instanceof HiveError);
    expect((await failure(client.call('late'))).code).toBe('CONNECTION_CLOSED');
    expect(() => client.notify('late')).not.toThrow();
    expect(server.stats.pendingCalls).toBe(0);
  });

  it('comes after everything that was sent before it', async () => {
    const seen: string[] = [];
    await bench.serve({ onNotification: (method) => void seen.push(method) });
    const client = await bench.dial();
    for (let n = 0; n < 1000; n++) client.notify(`n${n}`);
    client.close();
    await until(() => bench.served[0]?.isClosed === true);
    expect(seen).toHaveLength(1000);
  });

  it('leaves the socket alone when it was detached', async () => {
    await bench.serve({ onRequest: () => 'hello' });
    const client = await bench.dial();
    await client.call('host.attach');
    const socket = client.detach();
    expect(client.isClosed).toBe(true);
    const heard: Buffer[] = [];
    socket.on('data', (chunk: Buffer) => heard.push(chunk));
    socket.resume();
    socket.write('Content-Length: 40\r\n\r\n{"jsonrpc":"2.0","id":"p","method":"me"}');
    await until(() => Buffer.concat(heard).toString().includes('"id":"p","result":"hello"'));
    socket.destroy();
  });
});

function openGate(): { promise: Promise<void>; resolve: () => void } {
  let resolve = (): void => {};
  const promise = new Promise<void>((given) => {
    resolve = given;
  });
  return { promise, resolve };
}

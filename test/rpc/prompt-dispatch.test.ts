import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { PassThrough } from 'node:stream';
import { Bench } from './pair.js';

let bench: Bench;
beforeEach(() => {
  bench = new Bench();
});
afterEach(() => bench.stop());

describe("another vscode-jsonrpc in the same process", () => {
  it('works beside ours, whichever was loaded last', async () => {
    await bench.serve({ onRequest: (_method, params) => params });
    const before = await bench.dial();
    expect(await before.call('echo', { n: 1 })).toEqual({ n: 1 });

    // Loading this entry replaces the runtime layer of the process; the next connection of ours adapts it.
    const { createMessageConnection, StreamMessageReader, StreamMessageWriter } = await import('vscode-jsonrpc/node');
    const answers = await Promise.all(Array.from({ length: 200 }, (_, n) => before.call('echo', { n })));
    expect(answers).toEqual(Array.from({ length: 200 }, (_, n) => ({ n })));

    const after = await bench.dial();
    const [there, back] = [new PassThrough(), new PassThrough()];
    const asking = createMessageConnection(new StreamMessageReader(back), new StreamMessageWriter(there));
    const answering = createMessageConnection(new StreamMessageReader(there), new StreamMessageWriter(back));
    answering.onRequest('double', (n: number) => n * 2);
    asking.listen();
    answering.listen();
    expect(await Promise.all([asking.sendRequest('double', 21), after.call('echo', { n: 2 })])).toEqual([42, { n: 2 }]);
    asking.dispose();
    answering.dispose();
  });
});

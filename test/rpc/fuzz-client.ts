import { once } from 'node:events';
import { createConnection, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { fatalEnding, survivableFrame } from './fuzz-frames.js';
import { frameOf } from './pair.js';
import { Random } from './random.js';

/**
 * Sends hostile frames over several connections and reports {sent, cutOff, survived}, or {failure}. Arguments: socket
 * path, seed, number of frames. Beside the frames, one client sends a byte at a time and one asks without ever reading.
 */
const [path = '', seed = '', frames = ''] = process.argv.slice(2);
const lanes = 8;
const framesPerBatch = 40;
const tally = { sent: 0, cutOff: 0, survived: 0 };
let isOver = false;

async function connect(): Promise<Socket> {
  const socket = createConnection(path);
  await once(socket, 'connect');
  socket.on('error', () => {});
  return socket;
}

/** Waits until the server has answered everything before `marker`, which proves that the connection survived. */
async function expectAnswer(socket: Socket, marker: string): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    let tail = '';
    const onClose = (): void => reject(new Error(`The server hung up before it answered ${marker}; it said ${tail.slice(-300)}`));
    const onData = (chunk: Buffer): void => {
      tail = (tail + chunk.toString('latin1')).slice(-5000);
      if (!tail.includes(`"id":"${marker}"`)) return;
      socket.off('data', onData).off('close', onClose);
      resolve();
    };
    socket.on('data', onData).on('close', onClose);
    socket.write(frameOf(`{"jsonrpc":"2.0","id":"${marker}","method":"ping"}`));
  });
}

async function lane(number: number, random: Random, share: number): Promise<void> {
  let socket = await connect();
  for (let sent = 0; sent < share; ) {
    const count = Math.min(framesPerBatch, share - sent);
    socket.write(Buffer.concat(Array.from({ length: count }, () => survivableFrame(random))));
    sent += count;
    tally.sent += count;
    await expectAnswer(socket, `sync-${number}-${sent}`);
    tally.survived++;
    if (random.below(3) > 0) continue;
    socket.resume();
    socket.end(fatalEnding(random));
    await once(socket, 'close');
    tally.cutOff++;
    tally.sent++;
    socket = await connect();
  }
  socket.destroy();
}

async function sendByteByByte(): Promise<void> {
  const socket = await connect();
  socket.setNoDelay(true);
  while (!isOver) {
    for (const byte of Buffer.from(frameOf('{"jsonrpc":"2.0","id":1,"method":"ping"}'))) {
      socket.write(Buffer.from([byte]));
      await delay(2);
      if (isOver) break;
    }
  }
  socket.destroy();
}

/** Asks until it is cut off, then comes back. */
async function askWithoutReading(): Promise<void> {
  const question = frameOf(`{"jsonrpc":"2.0","id":1,"method":"echo","params":{"text":"${'x'.repeat(20_000)}"}}`);
  while (!isOver) {
    const socket = await connect();
    socket.pause();
    while (!isOver && !socket.destroyed) {
      socket.write(question);
      await delay(socket.writableLength > 1_000_000 ? 20 : 0);
    }
    socket.destroy();
    tally.cutOff++;
  }
}

try {
  const share = Math.ceil(Number(frames) / lanes);
  const nuisances = [sendByteByByte(), askWithoutReading()];
  await Promise.all(Array.from({ length: lanes }, (_, number) => lane(number, new Random(Number(seed) + number), share)));
  isOver = true;
  await Promise.all(nuisances);
  process.send?.(tally);
} catch (thrown) {
  process.send?.({ failure: String(thrown) });
}
process.disconnect();
process.exit();

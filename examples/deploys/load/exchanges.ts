import { Agent, request, type IncomingMessage } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { WebSocket } from 'ws';

/** What clients do. Each kind is one whole conversation, which is right or has failed; there is nothing in between. */
export const kinds = ['request', 'connection', 'download', 'upload', 'events', 'websocket'] as const;
export type Kind = (typeof kinds)[number];

/** Rejects with a sentence when anything but the whole, right answer came. */
export type Exchange = (port: number) => Promise<void>;

const patienceMs = 30_000;
const pieces = 12;
const pauseMs = 20;
const download = Array.from({ length: pieces }, (_, piece) => `${piece}:${'x'.repeat(1_000)}\n`).join('');
const events = `${Array.from({ length: pieces }, (_, piece) => `data: ${piece}\n\n`).join('')}event: end\ndata: \n\n`;
const version = /^v\d+$/;

/** A lane's own agent: its connections are kept from one exchange to the next. */
export function exchangeOf(kind: Kind): { readonly run: Exchange; readonly end: () => void } {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  return { run: runs[kind](agent), end: () => agent.destroy() };
}

const runs: Record<Kind, (agent: Agent) => Exchange> = {
  /** A short request on a connection that is kept. */
  request: (agent) => async (port) => expectText(await ask(port, agent, '/'), version),
  /** A short request on a new connection: what finds out whether one is refused. */
  connection: () => async (port) => expectText(await ask(port, false, '/'), version),
  /** An answer that takes a while. */
  download: (agent) => async (port) => expectText(await ask(port, agent, '/download'), download),
  /** A request that takes a while. */
  upload: (agent) => async (port) => expectText(await ask(port, agent, '/upload', pieces), String(pieces * 1_000)),
  /** A stream of server-sent events to its end. */
  events: (agent) => async (port) => expectText(await ask(port, agent, '/events'), events),
  websocket: () => echo,
};

function ask(port: number, agent: Agent | false, path: string, bodyPieces = 0): Promise<{ status: number; body: string }> {
  return new Promise((resolve, reject) => {
    const asked = request({ host: '127.0.0.1', port, path, agent, method: bodyPieces === 0 ? 'GET' : 'POST', signal: AbortSignal.timeout(patienceMs) }, (response) => {
      collect(response).then((body) => resolve({ status: response.statusCode ?? 0, body }), reject);
    });
    asked.on('error', reject);
    void (async () => {
      for (let piece = 0; piece < bodyPieces; piece += 1) {
        asked.write('x'.repeat(1_000));
        await delay(pauseMs);
      }
      asked.end();
    })();
  });
}

async function collect(response: IncomingMessage): Promise<string> {
  let body = '';
  response.setEncoding('latin1');
  // Ends with an error when the answer is cut off.
  for await (const chunk of response) body += String(chunk);
  return body;
}

function expectText({ status, body }: { status: number; body: string }, expected: string | RegExp): void {
  if (status !== 200) throw new Error(`answered ${status}: ${body.slice(0, 300)}`);
  const isRight = typeof expected === 'string' ? body === expected : expected.test(body);
  if (!isRight) throw new Error(`answered something else (${body.length} bytes): ${body.slice(0, 100)}`);
}

/**
 * A WebSocket that is opened, gets an echo of everything that it sends, and is closed by its client. Anything else is a
 * broken one: it does not open, an echo does not come, or it ends before its client ends it.
 */
function echo(port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(`ws://127.0.0.1:${port}/`, { handshakeTimeout: patienceMs });
    let sent = 0;
    let isClosing = false;
    const next = (): void => {
      if (sent < pieces) return socket.send(`message ${++sent}`);
      isClosing = true;
      socket.close(1000, 'done');
    };
    socket.on('open', next);
    socket.on('message', (data: Buffer) => {
      if (data.toString() === `message ${sent}`) setTimeout(next, pauseMs);
      else reject(new Error(`the WebSocket got ${data.toString().slice(0, 100)} as the echo of message ${sent}`));
    });
    socket.on('error', reject);
    socket.on('close', (code) => {
      if (isClosing && code === 1000) resolve();
      else reject(new Error(`the WebSocket ended with code ${code} after ${sent} messages`));
    });
  });
}

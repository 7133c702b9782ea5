// What a web service does over HTTP, each as slowly as is needed to be under way at any moment. It does nothing about
// SIGTERM, and so ends at once when it is told to: that nothing is lost in a deploy is Hive's work, not its own.
import { createServer } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { WebSocketServer } from 'ws';

const version = process.env.VERSION;
const pieces = 12;
const pauseMs = 20;

async function answer(request, response) {
  switch (request.url) {
    case '/health':
      response.statusCode = process.env.HEALTH === 'bad' ? 500 : 200;
      return response.end(version);
    case '/':
      await delay(10);
      return response.end(version);
    // A long answer, a piece at a time.
    case '/download':
      for (let piece = 0; piece < pieces; piece += 1) {
        response.write(`${piece}:${'x'.repeat(1_000)}\n`);
        await delay(pauseMs);
      }
      return response.end();
    // Says how much of a long request has come.
    case '/upload': {
      let bytes = 0;
      for await (const chunk of request) bytes += chunk.length;
      return response.end(String(bytes));
    }
    // Server-sent events.
    case '/events':
      response.setHeader('Content-Type', 'text/event-stream');
      for (let piece = 0; piece < pieces; piece += 1) {
        response.write(`data: ${piece}\n\n`);
        await delay(pauseMs);
      }
      return response.end('event: end\ndata: \n\n');
    default:
      response.statusCode = 404;
      return response.end();
  }
}

const server = createServer((request, response) => void answer(request, response));
const sockets = new WebSocketServer({ server });
sockets.on('connection', (socket) => socket.on('message', (data, isBinary) => socket.send(data, { binary: isBinary })));
server.listen(Number(process.env.PORT), '127.0.0.1');

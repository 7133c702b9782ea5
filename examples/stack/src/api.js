import { createServer } from 'node:http';
import { allOrders, saveOrder } from './store.js';

const port = Number(process.env.PORT);
let nextId = allOrders().reduce((highest, { id }) => Math.max(highest, id), 0) + 1;

const answer = (response, status, body) => {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(`${JSON.stringify(body, null, 2)}\n`);
};

const server = createServer((request, response) => {
  console.log(`level=info ${request.method} ${request.url}`);
  if (request.url === '/health') return answer(response, 200, { ok: true });
  if (request.url === '/orders' && request.method === 'GET') return answer(response, 200, allOrders());
  if (request.url === '/orders' && request.method === 'POST') {
    const order = { id: nextId++, placedAt: new Date().toISOString(), shippedAt: null };
    saveOrder(order);
    return answer(response, 201, order);
  }
  if (request.url === '/') return answer(response, 200, { try: ['GET /orders', 'POST /orders', 'GET /health'] });
  return answer(response, 404, { error: `there is no ${request.url}` });
});

server.listen(port, '127.0.0.1', () => console.log(`level=info listening on http://127.0.0.1:${port}`));
process.on('SIGTERM', () => server.close(() => process.exit(0)));

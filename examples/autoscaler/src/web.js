// Works 10 ms for each request, and says which instance it is. It knows nothing of Hive.
import { createHash } from 'node:crypto';
import { createServer } from 'node:http';

const server = createServer((request, response) => {
  if (request.url !== '/health') work(10);
  response.end(`instance ${process.env.HIVE_INSTANCE}\n`);
});

function work(milliseconds) {
  const before = process.cpuUsage();
  for (let text = ''; spentSince(before) < milliseconds; ) text = createHash('sha256').update(text).digest('hex');
}

function spentSince(before) {
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
}

server.listen(Number(process.env.PORT), '127.0.0.1');
// What has begun is finished before it ends.
process.on('SIGTERM', () => {
  server.close(() => process.exit(0));
  server.closeIdleConnections();
});

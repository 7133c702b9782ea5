// The stack's database: a folder of small files, each replaced as a whole.
import { mkdirSync, readFileSync, readdirSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const folder = process.env.DATA_DIR ?? '.data';
const orders = join(folder, 'orders');

export function migrate() {
  mkdirSync(orders, { recursive: true });
}

export function saveOrder(order) {
  const path = join(orders, `${order.id}.json`);
  writeFileSync(`${path}.new`, JSON.stringify(order));
  renameSync(`${path}.new`, path);
}

export function allOrders() {
  return readdirSync(orders)
    .filter((name) => name.endsWith('.json'))
    .map((name) => JSON.parse(readFileSync(join(orders, name), 'utf8')))
    .sort((a, b) => a.id - b.id);
}

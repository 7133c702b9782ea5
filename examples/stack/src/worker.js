import { allOrders, saveOrder } from './store.js';

console.log('level=info the worker is looking for orders');
setInterval(() => {
  for (const order of allOrders().filter(({ shippedAt }) => shippedAt === null)) {
    saveOrder({ ...order, shippedAt: new Date().toISOString() });
    console.log(`level=info shipped order ${order.id}`);
  }
}, 500);

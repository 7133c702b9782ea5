import { migrate } from './store.js';

console.log('level=info migrating the orders table');
migrate();
console.log('level=info migrated');

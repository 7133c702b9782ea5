// Works for a while, then fails with a reason: what a service with a bug looks like.
const lifetimeMs = 4_000 + Math.random() * 8_000;
console.log(`level=info counting to ${Math.round(lifetimeMs / 1_000)}`);
let count = 0;
setInterval(() => console.log(`level=debug ${(count += 1)}`), 1_000);
setTimeout(() => {
  console.error('level=error the counter overflowed');
  process.exit(3);
}, lifetimeMs);

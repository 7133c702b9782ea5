// A request as a customer would send it, before anybody depends on the API: exit 1 undoes its start.
const orders = `http://127.0.0.1:${process.env.PORT}/orders`;

const response = await fetch(orders);
if (!response.ok || !Array.isArray(await response.json())) {
  console.error(`level=error ${orders} answers ${response.status}`);
  process.exit(1);
}
console.log(`level=info ${orders} answers`);

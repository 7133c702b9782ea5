import { FrontDoor } from '../../../plugins/proxy/front-door/front-door.js';
import type { Setup } from '../../../plugins/proxy/front-door/setup.js';
import type { RouteTable } from '../../../plugins/proxy/routes/route-table.js';

/** Opens a front door as a plugin does, says so, and waits to be killed. */
const { folder, setup, table } = JSON.parse(process.argv[2] ?? '') as { folder: string; setup: Setup; table: RouteTable };
const door = await FrontDoor.open({ folder, setup, onDrained: () => {}, log: () => {} });
await door.apply(table);
process.send?.('serving');
setInterval(() => {}, 60_000);

import type { Context } from '../context.js';
import { renderRoutes } from '../render/route-table.js';

/** `hivectl routes`: what the proxy serves, and from where. */
export async function routes(context: Context): Promise<void> {
  const client = await context.client();
  const table = await client.getRoutes();
  context.show(table, () => renderRoutes(table, context.terminal.columns, context.terminal.paint));
}

import type { Context } from '../context.js';
import { renderExposed } from '../render/exposed-table.js';

/** `hivectl exposed`: what services share with other sources, and who uses it. */
export async function exposed(context: Context): Promise<void> {
  const client = await context.client();
  const answer = await client.listExposed({});
  context.show(answer, () => renderExposed(answer.exposed, context.terminal.columns, context.terminal.paint));
}

import type { Context } from '../context.js';
import { renderStats } from '../render/stats-table.js';

/** `hivectl stats`: what each instance uses, and the machine. */
export async function stats(context: Context, args: { service: string[] }): Promise<void> {
  const client = await context.client();
  const result = await client.getStats();
  if (args.service.length > 0) {
    const { lookUpTargets } = await import('../names/known-names.js');
    const meant = new Set((await lookUpTargets(context, args.service)).services.map(({ fqn }) => fqn));
    result.stats = result.stats.filter(({ fqn }) => meant.has(fqn));
  }
  context.show(result, () => renderStats(result.stats, result.host, context.terminal.columns, context.terminal.paint));
}

import { HiveError } from '../../shared/errors/hive-error.js';
import type { Plugin } from '../../shared/protocol/results.js';
import { readDuration } from '../command-line/read-time.js';
import type { Context } from '../context.js';
import { patient } from '../patience.js';
import { pluginLogFiles, tailFiles } from '../tail-files.js';
import { pluginStateStyle } from '../render/state-style.js';
import { renderPlugin, renderPlugins } from '../render/plugin-table.js';
import { printable } from '../render/text.js';

type Named = { plugin: string };

export async function listPlugins(context: Context): Promise<void> {
  const result = await (await context.client()).listPlugins();
  context.show(result, ({ plugins }) => renderPlugins(plugins, context.terminal.columns, context.terminal.paint));
}

export async function showPlugin(context: Context, { plugin }: Named): Promise<void> {
  context.show(await (await context.client()).getPlugin({ plugin }), (found) => renderPlugin(found, context.terminal.paint));
}

export async function enablePlugin(context: Context, { plugin }: Named): Promise<void> {
  tell(context, await (await context.client()).enablePlugin({ plugin }, patient));
}

export async function disablePlugin(context: Context, { plugin }: Named): Promise<void> {
  tell(context, await (await context.client()).disablePlugin({ plugin }, patient));
}

export async function restartPlugin(context: Context, { plugin }: Named): Promise<void> {
  tell(context, await (await context.client()).restartPlugin({ plugin }, patient));
}

export async function reloadPlugins(context: Context): Promise<void> {
  const result = await (await context.client()).reloadPlugins({}, patient);
  context.show(result, ({ plugins, skipped }) => [
    ...renderPlugins(plugins, context.terminal.columns, context.terminal.paint),
    ...skipped.map(({ entry, reason }) => `Skipped ${printable(entry)}: ${printable(reason)}`),
  ]);
}

/** Plugins write into files of their own, as services do. */
export async function pluginLogs(context: Context, args: Named & { follow: boolean; tail: number }): Promise<void> {
  const { plugin } = args;
  await (await context.client()).getPlugin({ plugin });
  await tailFiles(context, pluginLogFiles(context, plugin), args);
}

export async function callPlugin(context: Context, args: Named & { method: string; params: string | undefined; timeout: string }): Promise<void> {
  const deadlineMs = readDuration('timeout', args.timeout);
  const { plugin, method } = args;
  const params = args.params === undefined ? {} : { params: readJson(args.params) };
  const answer = await (await context.client()).callPlugin({ plugin, method, ...params }, { deadlineMs });
  context.terminal.out(`${JSON.stringify(answer ?? null, null, 2)}\n`);
}

/** JSON, or one plain word: `explain shop:web` needs no quotes within quotes. */
function readJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (/^[A-Za-z_][\w:.#/@*-]*$/.test(text)) return text;
    throw new HiveError('INVALID_PARAMS', `The parameters are not JSON: ${(error as Error).message}.`, { next: `Write them as '{"name": "value"}'.` });
  }
}

function tell(context: Context, plugin: Plugin): void {
  const { paint } = context.terminal;
  context.show(plugin, () => [`Plugin ${plugin.id} is ${paint(pluginStateStyle(plugin.state), plugin.state)}. ${printable(plugin.reason)}`.trimEnd()]);
}

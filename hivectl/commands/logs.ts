import type { DaemonClient } from '../../shared/client/daemon-client.js';
import type { Params } from '../../shared/protocol/methods.js';
import type { LogLine } from '../../shared/protocol/results.js';
import { readSince } from '../command-line/read-time.js';
import type { Context } from '../context.js';
import { exitCodes } from '../exit-codes.js';
import { fetchKnownNames } from '../names/known-names.js';
import { resolveTarget } from '../names/resolve-service.js';
import { renderLogLine, type LogView } from '../render/log-line.js';

interface LogArguments {
  service: string[];
  follow: boolean;
  tail: number;
  since: string | undefined;
  level: Params<'logs.get'>['level'];
  stream: Params<'logs.get'>['stream'];
  timestamps: boolean;
}

/** `hivectl logs`: what services wrote, and with `-f` what they write. */
export async function logs(context: Context, args: LogArguments): Promise<void> {
  const client = await context.client();
  const scopes = await logScopes(context, args.service);
  const since = args.since === undefined ? undefined : readSince(args.since, new Date());
  const query = { lines: args.tail, since, level: args.level, stream: args.stream };
  const queries = scopes.map((fqn) => ({ ...query, ...(fqn === null ? {} : { fqn }) }));
  const view: LogView = {
    names: scopes.length === 1 && scopes[0]?.includes('#') === true ? 'none' : (await namesNeeded(client, scopes)),
    timestamps: args.timestamps,
    now: new Date(),
    paint: context.terminal.paint,
  };
  if (args.follow) return follow(context, client, queries, view);
  const answers = await Promise.all(queries.map((each) => client.getLogs(each)));
  const lines = mergeByTime(answers.map((answer) => answer.lines)).slice(args.tail === 0 ? Infinity : -args.tail);
  context.show({ lines }, () => lines.map((line) => renderLogLine(line, view)));
}

async function follow(context: Context, client: DaemonClient, queries: readonly Params<'logs.subscribe'>[], view: LogView): Promise<void> {
  // Ctrl-C is how following ends.
  context.whenInterrupted(() => exitCodes.done);
  const print = ({ lines }: { lines: readonly LogLine[] }): void => {
    if (context.options.json) for (const line of lines) context.terminal.out(`${JSON.stringify(line)}\n`);
    else context.print(lines.map((line) => renderLogLine(line, view)));
  };
  client.onLogLines(print);
  await Promise.all(queries.map((query) => client.subscribeLogs(query)));
  const { message } = await client.closed;
  const { HiveError } = await import('../../shared/errors/hive-error.js');
  throw new HiveError('CONNECTION_CLOSED', `The connection to the daemon is closed: ${message}`, { next: 'hivectl daemon status says whether it runs.' });
}

/** What to ask the daemon for: full names, instances or `source:*`; null for everything. */
async function logScopes(context: Context, texts: readonly string[]): Promise<(string | null)[]> {
  const known = await fetchKnownNames(context);
  if (texts.length === 0) return [known.folderSource === null ? null : `${known.folderSource}:*`];
  const scopes = texts.map((text) => {
    const target = resolveTarget(text, known);
    switch (target.kind) {
      case 'service':
        return target.fqn;
      case 'instance':
        return target.instance;
      case 'source':
        return `${target.source}:*`;
    }
  });
  return [...new Set(scopes)];
}

/** A prefix only where lines of several services or instances are mixed. */
async function namesNeeded(client: DaemonClient, scopes: readonly (string | null)[]): Promise<LogView['names']> {
  const [only] = scopes;
  if (scopes.length > 1 || only === null || only === undefined || only.endsWith(':*')) return 'service';
  const { instances } = await client.getService({ fqn: only });
  return instances.length > 1 ? 'instance' : 'none';
}

function mergeByTime(lists: readonly (readonly LogLine[])[]): LogLine[] {
  const [only] = lists;
  if (lists.length === 1 && only !== undefined) return [...only];
  return lists.flat().sort((a, b) => (a.time < b.time ? -1 : a.time > b.time ? 1 : 0));
}

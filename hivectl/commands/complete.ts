import { DaemonClient } from '../../shared/client/daemon-client.js';
import { homePaths } from '../../shared/home-paths.js';
import { complete } from '../command-line/complete.js';
import { commands } from '../command-line/table.js';

/** A press of Tab must not hang. */
const deadlineMs = 1000;

/** `hivectl __complete <words…>`: one candidate for the last word a line; nothing when the daemon does not answer. */
export async function printCompletions(words: readonly string[]): Promise<void> {
  const ask = async (question: (client: DaemonClient) => Promise<string[]>): Promise<string[]> => {
    try {
      const client = await DaemonClient.connect({ socket: socketOf(words), connectTimeoutMs: deadlineMs });
      return await question(client);
    } catch {
      return [];
    }
  };
  const candidates = await complete(words, commands, {
    services: () => ask(async (client) => servicesAndSources((await client.listServices({}, { deadlineMs })).services)),
    sources: () => ask(async (client) => (await client.listSources({}, { deadlineMs })).sources.map(({ name }) => name)),
    plugins: () => ask(async (client) => (await client.listPlugins({}, { deadlineMs })).plugins.map(({ id }) => id)),
  });
  process.stdout.write(candidates.map((candidate) => `${candidate}\n`).join(''));
}

/** Full names, and bare ones where only one source has them. */
function servicesAndSources(services: readonly { fqn: string; name: string }[]): string[] {
  const times = new Map<string, number>();
  for (const { name } of services) times.set(name, (times.get(name) ?? 0) + 1);
  return services.flatMap(({ fqn, name }) => (times.get(name) === 1 ? [fqn, name] : [fqn]));
}

function socketOf(words: readonly string[]): string {
  const valueOf = (option: string): string | undefined => {
    const at = words.indexOf(option);
    return at === -1 ? words.find((word) => word.startsWith(`${option}=`))?.slice(option.length + 1) : words[at + 1];
  };
  return valueOf('--socket') ?? homePaths(valueOf('--home')).socket;
}

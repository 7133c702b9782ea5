import { realpathSync } from 'node:fs';
import type { PluginSystem } from '../../plugins/plugin-system.js';
import type { SourceManager } from '../../sources/source-manager.js';
import type { Supervisor } from '../../supervisor/supervisor.js';
import type { Handlers } from '../dispatch.js';
import type { Session } from '../session.js';

type StateMethods = Extract<keyof Handlers, `state.${string}` | 'source.text'>;

export interface StateParts {
  readonly version: string;
  readonly home: string;
  readonly sources: SourceManager;
  readonly supervisor: Supervisor;
  readonly plugins: PluginSystem<Session>;
}

/** What a backup is made of, and what it is put back with. */
export function stateHandlers({ version, home, sources, supervisor, plugins }: StateParts): Pick<Handlers, StateMethods> {
  return {
    'source.text': ({ name }) => sources.textOf(name),
    'state.export': () => ({
      version,
      // As the paths of sources are: through no link.
      home: realpathSync(home),
      sources: sources.list().map(({ name, kind, path, enabled, revision }) => ({ name, kind, path, enabled, revision })),
      ...carried(supervisor),
      plugins: plugins.choices(),
    }),
    'state.import': async ({ intents = [], scales = [], plugins: choices = [] }, { requested }) => {
      const services = await supervisor.takeIntents({ intents, scales }, requested);
      await plugins.takeChoices(choices);
      return { services };
    },
  };
}

function carried(supervisor: Supervisor): { intents: { name: string; wanted: 'up' | 'down' }[]; scales: { fqn: string; instances: number }[] } {
  const { intents, scales } = supervisor.carriedIntents();
  return { intents: [...intents], scales: [...scales] };
}

import type { SourceManager } from '../../sources/source-manager.js';
import type { Supervisor } from '../../supervisor/supervisor.js';
import type { Handlers } from '../dispatch.js';

type SourceMethods = Exclude<Extract<keyof Handlers, `source.${string}`>, 'source.text'>;

export function sourceHandlers(sources: SourceManager, supervisor: Supervisor): Pick<Handlers, SourceMethods> {
  return {
    'source.list': () => ({ sources: sources.list() }),
    'source.add': (params, { requested }) => sources.add(params, requested),
    'source.remove': ({ name }, { requested }) => sources.remove(name, requested),
    'source.reload': ({ name }, { requested }) => sources.reload(name, requested),
    'source.enable': ({ name }, { requested }) => sources.enable(name, requested),
    'source.disable': ({ name }, { requested }) => sources.disable(name, requested),
    'source.start': async ({ name }, { requested }) => {
      sources.get(name);
      return { services: (await supervisor.want({ source: name }, 'up', requested)).map((service) => service.view()) };
    },
    'source.stop': async ({ name }, { requested }) => {
      sources.get(name);
      return { services: (await supervisor.want({ source: name }, 'down', requested)).map((service) => service.view()) };
    },
    'source.plan': ({ name }) => sources.plan(name),
  };
}

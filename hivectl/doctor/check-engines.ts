import { existsSync } from 'node:fs';
import { createConnection } from 'node:net';
import { join } from 'node:path';
import { engineRemedies, engineSocket } from '../../shared/engines/engine-sockets.js';
import type { Service } from '../../shared/protocol/results.js';
import { error, fine, note, type Finding } from './finding.js';

const engines = [
  { name: 'docker', runners: ['docker', 'compose', 'swarm'] },
  { name: 'podman', runners: ['podman'] },
] as const;

/** The container engines: one that does not answer matters only to services that want it. */
export async function checkEngines(services: readonly Service[]): Promise<Finding[]> {
  return Promise.all(
    engines.map(async ({ name, runners }) => {
      const wanting = services.filter(({ runner }) => (runners as readonly string[]).includes(runner)).map(({ fqn }) => fqn);
      const socket = engineSocket(name, null, process.env);
      const trouble = await lookAt(socket);
      if (trouble === null) return fine(`${name} answers at ${socket}`);
      const { start, install } = engineRemedies(name);
      const mend = onPath(name) ? start : install;
      const what = `${onPath(name) ? `${name} does not answer at ${socket} (${trouble})` : `There is no ${name} on this machine`}`;
      if (wanting.length > 0) return error(`${what}, and ${wanting.slice(0, 3).join(', ')}${wanting.length > 3 ? ' and others' : ''} cannot run without it.`, mend);
      return note(`${what}; no service needs it.`, mend);
    }),
  );
}

function onPath(program: string): boolean {
  return (process.env['PATH'] ?? '').split(':').some((folder) => existsSync(join(folder, program)));
}

/** Why nobody answers there; null: somebody does. */
function lookAt(at: string): Promise<string | null> {
  const tcp = /^(?:tcp|http):\/\/([^:/]+):(\d+)/.exec(at);
  return new Promise((resolve) => {
    const socket = tcp === null ? createConnection({ path: at }) : createConnection({ host: tcp[1] ?? '', port: Number(tcp[2]) });
    const end = (trouble: string | null): void => {
      socket.destroy();
      resolve(trouble);
    };
    socket.setTimeout(2000, () => end('no answer within 2 s'));
    socket.once('connect', () => end(null));
    socket.once('error', ({ code, message }: NodeJS.ErrnoException) => end(code ?? message));
  });
}

import { existsSync } from 'node:fs';
import { createConnection } from 'node:net';
import type { Service } from '../../shared/protocol/results.js';
import { error, fine, note, type Finding } from './finding.js';

const engines = [
  { name: 'docker', runners: ['docker', 'compose', 'swarm'], sockets: () => ['/var/run/docker.sock', `${process.env['XDG_RUNTIME_DIR'] ?? '/run/user/0'}/docker.sock`], install: 'apt-get install docker.io' },
  { name: 'podman', runners: ['podman'], sockets: () => ['/run/podman/podman.sock', `${process.env['XDG_RUNTIME_DIR'] ?? '/run/user/0'}/podman/podman.sock`], install: 'apt-get install podman && systemctl enable --now podman.socket' },
] as const;

/** The container engines: one that is missing matters only to services that want it. */
export async function checkEngines(services: readonly Service[]): Promise<Finding[]> {
  return Promise.all(
    engines.map(async ({ name, runners, sockets, install }) => {
      const wanting = services.filter(({ runner }) => (runners as readonly string[]).includes(runner)).map(({ fqn }) => fqn);
      const socket = sockets().find((path) => existsSync(path));
      if (socket !== undefined && (await answers(socket))) return fine(`${name} answers on ${socket}`);
      const what = socket === undefined ? `There is no ${name} on this machine` : `${name} does not answer on ${socket}`;
      const mend = socket === undefined ? install : `systemctl start ${name}; systemctl status ${name}`;
      if (wanting.length > 0) return error(`${what}, and ${wanting.slice(0, 3).join(', ')}${wanting.length > 3 ? ' and others' : ''} cannot run without it.`, mend);
      return note(`${what}; no service needs it.`, mend);
    }),
  );
}

function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createConnection({ path });
    const end = (reachable: boolean) => (): void => {
      socket.destroy();
      resolve(reachable);
    };
    socket.setTimeout(2000, end(false));
    socket.once('connect', end(true));
    socket.once('error', end(false));
  });
}

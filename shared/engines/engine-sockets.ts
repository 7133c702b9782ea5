import { existsSync } from 'node:fs';

type Environment = Readonly<Record<string, string | undefined>>;

/** What differs between engines before anybody has talked to them. */
const engines = {
  docker: {
    variable: 'DOCKER_HOST',
    system: '/var/run/docker.sock',
    user: 'docker.sock',
    start: 'systemctl start docker (or dockerd &)',
    install: 'apt-get install docker.io',
  },
  podman: {
    variable: 'CONTAINER_HOST',
    system: '/run/podman/podman.sock',
    user: 'podman/podman.sock',
    start: 'systemctl start podman.socket (or podman system service -t 0 &)',
    install: 'apt-get install podman',
  },
} as const;

const programOf = { docker: 'docker', podman: 'podman', compose: 'docker', swarm: 'docker' } as const;

/** The program behind a runner: `docker` or `podman`. */
export function engineProgram(type: keyof typeof programOf): keyof typeof engines {
  return programOf[type];
}

/**
 * Where an engine listens: an absolute path, or `tcp://host:port`. What the spec says, else the engine's own variable, else
 * the usual socket of the system, or the user's where only that exists.
 */
export function engineSocket(type: keyof typeof programOf, said: string | null, environment: Environment): string {
  const { variable, system, user } = engines[programOf[type]];
  const asked = said ?? environment[variable];
  if (asked !== undefined && asked !== '') return asked.startsWith('unix://') ? asked.slice('unix://'.length) : asked;
  const own = environment['XDG_RUNTIME_DIR'] === undefined ? null : `${environment['XDG_RUNTIME_DIR']}/${user}`;
  return own !== null && !existsSync(system) && existsSync(own) ? own : system;
}

/** What starts an engine that is installed, and what installs it. */
export function engineRemedies(type: keyof typeof programOf): { readonly start: string; readonly install: string } {
  const { start, install } = engines[programOf[type]];
  return { start, install };
}

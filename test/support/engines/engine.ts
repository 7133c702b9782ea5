import { existsSync } from 'node:fs';
import { describe } from '@jest/globals';
import { engineTitle } from './engine-title.js';

/** A real engine that a test started for itself, in a folder of its own. */
export interface TestEngine {
  readonly type: 'docker' | 'podman';
  readonly socket: string;
  /** An image that is in it, with a small shell and `httpd`. */
  readonly image: string;
  /** SIGKILL, as a power cut would. */
  kill(): Promise<void>;
  /** Starts it again on the same folder. */
  restart(): Promise<void>;
  /** SIGSTOP: it does not answer any more; SIGCONT ends that. */
  freeze(): void;
  thaw(): void;
  /** Everything it made goes, containers and mounts too. */
  end(): Promise<void>;
}

export const engineImage = 'hive-test/busybox:1';

const needs = {
  docker: { programs: ['/usr/sbin/dockerd', '/bin/busybox', '/usr/sbin/ip', '/usr/bin/docker-registry'], packages: 'docker.io iptables busybox-static iproute2 docker-registry' },
  compose: { programs: ['/usr/sbin/dockerd', '/bin/busybox', '/usr/bin/docker-compose'], packages: 'docker.io iptables busybox-static docker-compose' },
  podman: { programs: ['/usr/bin/podman', '/bin/busybox', '/usr/sbin/runc'], packages: 'podman runc busybox-static' },
} as const;

/** A group of tests that need an engine; skipped, and told of in the last lines of a run, where there is none. */
export function describeWithEngine(engine: keyof typeof needs, title: string, tests: () => void): void {
  const { programs, packages } = needs[engine];
  const why = process.getuid?.() === 0 ? (programs.every((program) => existsSync(program)) ? null : `apt-get install ${packages}`) : 'they need root';
  const name = `${engineTitle} ${engine}${why === null ? '' : ` (absent: ${why})`}: ${title}`;
  if (why === null) describe(name, tests);
  else describe.skip(name, tests);
}

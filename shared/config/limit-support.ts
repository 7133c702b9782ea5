import { cgroupPlace } from '../process/cgroups.js';
import { mostOpenFiles } from '../process/open-file-limit.js';
import type { RunnerSpec } from './service-spec.js';

export type LimitName = 'memory' | 'cpu' | 'open_files';

/** Why a limit cannot be enforced, going on from "because"; null: it can. */
export type LimitSupport = (runner: RunnerSpec['type'], limit: LimitName, value: number) => string | null;

/** What each runner can hold its instances to on this machine; a runner that can do less than its engine says so here. */
export const limitSupport: LimitSupport = (runner, limit, value) => {
  switch (runner) {
    case 'script':
      return limit === 'open_files' ? tooManyFiles(value) : noCgroup(limit);
    case 'docker':
    case 'podman':
    case 'swarm':
      return null;
    case 'compose':
      return 'a compose file says itself what its services may use (deploy.resources.limits, ulimits)';
  }
};

function noCgroup(controller: 'memory' | 'cpu'): string | null {
  const place = cgroupPlace(controller);
  return place.kind === 'usable' ? null : place.why;
}

function tooManyFiles(wanted: number): string | null {
  const { most, why } = mostOpenFiles();
  return wanted <= most ? null : `${why} allows ${most}`;
}

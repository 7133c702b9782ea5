import type { RunnerSpec } from '../../shared/config/service-spec.js';
import { engineSocket } from '../../shared/engines/engine-sockets.js';
import type { EngineRef } from './runner.js';

/** The engine that a runner of this spec asks; null: none, its instances are processes of this machine. */
export function engineOf(spec: RunnerSpec): EngineRef | null {
  switch (spec.type) {
    case 'script':
      return null;
    case 'docker':
    case 'podman':
    case 'swarm':
    case 'compose':
      return { type: spec.type, socket: engineSocket(spec.type, spec.socket, process.env) };
  }
}

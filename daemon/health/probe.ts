import type { HealthCheckSpec } from '../../shared/config/service-spec.js';
import { probeCommand } from './command-probe.js';
import { probeInside, type ExecInside } from './inside-probe.js';
import type { RunningInstance } from '../runner/runner.js';
import { probeHttp } from './http-probe.js';
import { shorten, type ProbeResult } from './probe-result.js';
import { probeTcp } from './tcp-probe.js';

/** Where and in what surroundings a check of an instance is made. */
export interface ProbeTarget {
  /** The address on which the instance's ports are. */
  readonly host: string;
  /** Port numbers by name. */
  readonly ports: Readonly<Record<string, number>>;
  /** Where ports answer that are not on `host` under these numbers. */
  readonly endpoints?: RunningInstance['endpoints'];
  /** The whole environment of a check command. */
  readonly environment: Readonly<Record<string, string>>;
  /** Runs check commands inside of the instance; absent: they are processes of this machine. */
  readonly exec?: ExecInside | null;
}

/**
 * Makes a check once. Never rejects. When `signal` aborts, what runs is ended at once, a command with its process
 * group, and the result means nothing.
 */
export async function probe(check: HealthCheckSpec, target: ProbeTarget, signal: AbortSignal): Promise<ProbeResult> {
  try {
    return await makeProbe(check, target, signal);
  } catch (error) {
    // Such as a path with a blank in it, which Node refuses to send.
    return { kind: 'failed', detail: `the check cannot be made: ${error instanceof Error ? error.message : String(error)}` };
  }
}

async function makeProbe(check: HealthCheckSpec, target: ProbeTarget, signal: AbortSignal): Promise<ProbeResult> {
  switch (check.type) {
    case 'cmd':
      return target.exec === undefined || target.exec === null ? probeCommand(check, target.environment, signal) : probeInside(check, target.exec, signal);
    case 'http':
    case 'tcp': {
      const { address: host, port } = target.endpoints?.[check.port] ?? { address: target.host, port: target.ports[check.port] };
      if (port === undefined) {
        return { kind: 'failed', detail: `the service has no port named "${check.port}"` };
      }
      const address = { host, port };
      return check.type === 'http' ? probeHttp(check, address, signal) : probeTcp(check, address, signal);
    }
  }
}

/** A check in a few words: `http GET /health on port http`. Leaves out what may hold a secret: queries and arguments. */
export function describeCheck(check: HealthCheckSpec): string {
  switch (check.type) {
    case 'http':
      return `http ${check.method} ${shorten(check.path.replace(/[?#].*$/s, ''), 60)} on port ${check.port}`;
    case 'tcp':
      return `tcp port ${check.port}`;
    case 'cmd':
      return `cmd ${shorten(/^\s*([^\s=]+)(?=\s|$)/.exec(check.command)?.[1] ?? '', 60)}`.trim();
  }
}

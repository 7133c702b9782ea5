import { z } from 'zod';
import { hostPort, portName } from './ports.js';
import { positiveDuration, duration, typed, wholeNumber } from './schema-parts.js';
import type { HostPort, RolloutSpec } from './service-spec.js';

const ports = () => z.record(portName(), hostPort());

export const recreateFields = {
  ports: ports().describe('Host ports by name.'),
};

const colours = z.strictObject({ blue: hostPort(), green: hostPort() });

export const blueGreenFields = {
  ports: z.record(portName(), z.union([colours, z.literal('auto')])).describe('Host ports by name, one for each colour.'),
  healthy_duration: duration().prefault('10s').describe('How long the new colour must stay healthy before it gets traffic.'),
  timeout: positiveDuration().prefault('60s').describe('How long the new colour may take to become healthy.'),
  on_failure: z.enum(['keep-old', 'abort']).prefault('keep-old').describe('keep-old: the old colour serves on; abort: both stop.'),
};

export const rollingFields = {
  ports: ports().describe('Host ports by name; auto when there is more than one instance.'),
  max_unavailable: wholeNumber(0, 1000).prefault(0).describe('How many instances may be missing during a deploy.'),
  max_surge: wholeNumber(0, 1000).prefault(1).describe('How many instances there may be beyond the wanted ones during a deploy.'),
  on_failure: z.enum(['keep-old', 'abort']).prefault('keep-old').describe('keep-old: what served goes on serving; abort: the service is stopped.'),
};

export const rolloutSchema = typed(
  {
    recreate: z.strictObject(recreateFields).describe('Stop the old, then start the new.'),
    'blue-green': z.strictObject(blueGreenFields).describe('Start the new beside the old and switch when it is healthy.'),
    rolling: z
      .strictObject(rollingFields)
      .refine((rolling) => rolling.max_unavailable + rolling.max_surge > 0, {
        path: ['max_surge'],
        error: 'and max_unavailable are both 0, so that a deploy could never move on',
      })
      .describe('Replace the instances one by one.'),
  },
  'How ports are given out and a new version replaces the old.',
);

export function normaliseRollout(rollout: z.output<typeof rolloutSchema> | undefined): RolloutSpec {
  if (rollout === undefined) return { type: 'recreate', ports: {} };
  switch (rollout.type) {
    case 'recreate':
      return { type: 'recreate', ports: rollout.settings.ports };
    case 'blue-green': {
      const { ports: declared, healthy_duration, timeout, on_failure } = rollout.settings;
      const pairs = Object.entries(declared).map(([name, port]): [string, { blue: HostPort; green: HostPort }] => [
        name,
        port === 'auto' ? { blue: 'auto', green: 'auto' } : port,
      ]);
      return { type: 'blue-green', ports: Object.fromEntries(pairs), healthyDurationMs: healthy_duration, timeoutMs: timeout, onFailure: on_failure };
    }
    case 'rolling': {
      const { ports: declared, max_unavailable, max_surge, on_failure } = rollout.settings;
      return { type: 'rolling', ports: declared, maxUnavailable: max_unavailable, maxSurge: max_surge, onFailure: on_failure };
    }
  }
}

import { resolve } from 'node:path';
import { z } from 'zod';
import { portReference } from './ports.js';
import { duration, oneOrMany, positiveDuration, text, typed, wholeNumber } from './schema-parts.js';
import type { HealthCheckSpec, StatusRange } from './service-spec.js';

const timing = {
  interval: positiveDuration().prefault('10s').describe('Time between two checks.'),
  timeout: positiveDuration().prefault('5s').describe('How long one check may take.'),
  retries: wholeNumber(1, 1000).prefault(3).describe('Failures in a row that make the service unhealthy.'),
  start_period: duration().prefault('0s').describe('How long after a start failures do not count.'),
};

/** The same beside `type`, where files of the public format have it. Without defaults: the block has those. */
const timingBeside = {
  interval: positiveDuration().optional().describe(timing.interval.description ?? ''),
  timeout: positiveDuration().optional().describe(timing.timeout.description ?? ''),
  retries: wholeNumber(1, 1000).optional().describe(timing.retries.description ?? ''),
  start_period: duration().optional().describe(timing.start_period.description ?? ''),
};
export const timingKeys: readonly string[] = Object.keys(timing);

const port = () => portReference().optional().describe('A port of the service by name or as {{runtime.port.<name>}}; `http` or the only one by default.');

export const httpCheckFields = {
  port: port(),
  path: text().regex(/^\//, { error: 'must start with /' }).prefault('/').describe('The path to ask for.'),
  method: z.enum(['GET', 'HEAD', 'OPTIONS', 'POST', 'PUT', 'PATCH', 'DELETE']).prefault('GET').describe('The HTTP method.'),
  status: z
    .union([z.int(), text()])
    .prefault('2xx')
    .describe('The status that means healthy: 200, 2xx or 200-399.')
    .transform((written, context): StatusRange => {
      const range = parseStatus(String(written));
      if (range !== null) return range;
      context.addIssue({ code: 'custom', message: 'is not an HTTP status: write 200, 2xx or 200-399' });
      return z.NEVER;
    }),
  ...timing,
};

export const tcpCheckFields = { port: port(), ...timing };

export const commandCheckFields = {
  command: text().describe('Exit code 0 means healthy; run by the shell.'),
  working_dir: text().optional().describe('The folder to run in, relative to the project root; the service\'s own by default.'),
  ...timing,
};

export const healthCheckSchema = typed(
  {
    http: z.strictObject(httpCheckFields).describe('Asks for a page.'),
    tcp: z.strictObject(tcpCheckFields).describe('Opens a connection.'),
    cmd: z.strictObject(commandCheckFields).describe('Runs a command.'),
  },
  'What kind of check.',
  timingBeside,
);

export const healthChecksSchema = oneOrMany(healthCheckSchema);

/** Reads `200`, `2xx` or `200-399`. */
export function parseStatus(written: string): StatusRange | null {
  const hundred = /^([1-5])xx$/i.exec(written);
  if (hundred?.[1] !== undefined) return { from: Number(hundred[1]) * 100, to: Number(hundred[1]) * 100 + 99 };
  const match = /^([1-5]\d\d)(?:-([1-5]\d\d))?$/.exec(written);
  if (match?.[1] === undefined) return null;
  const from = Number(match[1]);
  const to = Number(match[2] ?? match[1]);
  return from <= to ? { from, to } : null;
}

/** `nameOf` turns what the check says about its port into the port's name. */
export function normaliseHealthCheck(
  check: z.output<typeof healthCheckSchema>,
  where: { projectRoot: string; workingDir: string },
  nameOf: (reference: z.output<typeof httpCheckFields.port>) => string,
): HealthCheckSpec {
  // What stands beside `type` is the service's own word; what the block says may come from `defaults`.
  const { interval, timeout, retries, start_period } = { ...check.settings, ...check.beside };
  const times = { intervalMs: interval, timeoutMs: timeout, retries, startPeriodMs: start_period };
  switch (check.type) {
    case 'http': {
      const { path, method, status } = check.settings;
      return { type: 'http', port: nameOf(check.settings.port), path, method, status, ...times };
    }
    case 'tcp':
      return { type: 'tcp', port: nameOf(check.settings.port), ...times };
    case 'cmd': {
      const { command, working_dir } = check.settings;
      return { type: 'cmd', command, workingDir: working_dir === undefined ? where.workingDir : resolve(where.projectRoot, working_dir), ...times };
    }
  }
}

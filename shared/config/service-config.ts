import { z } from 'zod';
import { buildSchema } from './build.js';
import { dependsOnSchema } from './depends-on.js';
import { environmentSchema } from './environment.js';
import { healthChecksSchema } from './healthcheck.js';
import { hooksSchema } from './hooks.js';
import { limitsSchema } from './limits.js';
import { labelsSchema } from './labels.js';
import { logsSchema } from './logs.js';
import { routesSchema } from './proxy.js';
import { restartSchema } from './restart.js';
import { rolloutSchema } from './rollout.js';
import { runnerSchema } from './runners.js';
import { mostInstances, scaleSchema } from './scale.js';
import { wholeNumber } from './schema-parts.js';
import { exposeSchema, usesSchema } from './sharing.js';
import { stopSchema } from './stop.js';

/** A service as people write it. What it means after defaults is `ServiceSpec`. */
export const serviceSchema = z.strictObject({
  runner: runnerSchema.describe('What runs the service.'),
  rollout: rolloutSchema.optional().describe('Ports and deploy strategy; required with `proxy` or a health check on a port.'),
  proxy: routesSchema.optional().describe('One route of the front door or a list of them.'),
  healthcheck: healthChecksSchema.optional().describe('One check or a list; the service is healthy when all pass.'),
  depends_on: dependsOnSchema.optional().describe('Services of this source to wait for: names, or conditions by name.'),
  environment: environmentSchema.optional().describe('Variables, by provider.'),
  build: buildSchema.optional().describe('How to build before the start.'),
  restart: restartSchema.optional().describe('What happens after an exit that nobody asked for.'),
  hooks: hooksSchema.optional().describe('Steps around start and stop.'),
  expose: exposeSchema.optional().describe('Lets services of other sources use this one.'),
  uses: usesSchema.optional().describe('Services of other sources that this one uses.'),
  instances: wholeNumber(1, mostInstances).optional().describe('How many to run; 1, or scale.min, by default.'),
  scale: scaleSchema.optional().describe('Lets the autoscaler change the number of instances.'),
  stop: stopSchema.optional().describe('How to stop.'),
  limits: limitsSchema.optional().describe('What one instance may use.'),
  logs: logsSchema.optional().describe('When log files are rotated.'),
  labels: labelsSchema.optional().describe('Notes by name, for people and plugins; Hive itself makes nothing of them.'),
});

export type ServiceConfig = z.output<typeof serviceSchema>;
export type ServiceField = keyof ServiceConfig;

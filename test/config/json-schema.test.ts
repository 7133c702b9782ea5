import { describe, expect, it } from '@jest/globals';
import { z } from 'zod';
import { configJsonSchema } from '../../shared/config/json-schema.js';
import { runnerSchema } from '../../shared/config/runners.js';

const schema = configJsonSchema();
const validator = z.fromJSONSchema(schema);
const runner = { type: 'script', script: { run: 'serve' } };

describe('the exported JSON Schema', () => {
  it.each([
    ['the least', { version: '1', services: {} }],
    ['a short service', { version: '1', services: { web: { runner, restart: 'always', depends_on: ['db'] } } }],
    [
      'a long one',
      {
        version: '1',
        defaults: { 'hive.health.http': { timeout: '5s' } },
        plugins: { backup: { enabled: true, dir: '/b' } },
        services: {
          web: {
            runner,
            rollout: { type: 'recreate', recreate: { ports: { http: 8012, admin: 'auto' } } },
            healthcheck: [{ type: 'http', http: { port: 'http', status: 200, interval: '5s' } }],
            depends_on: { db: { condition: 'started' } },
            restart: { policy: 'always', delay: '1s' },
            hooks: { 'pre-up': [{ parallel: [{ run: 'a' }] }] },
            stop: { grace: '5s' },
          },
        },
      },
    ],
  ])('accepts %s', (_, document) => {
    expect(validator.safeParse(document)).toMatchObject({ success: true });
  });

  it.each([
    ['a misspelt key', { version: '1', services: { web: { runner, restrat: 'always' } } }],
    ['a misspelt value', { version: '1', services: { web: { runner, restart: 'allways' } } }],
    ['a duration without unit', { version: '1', services: { web: { runner, stop: { grace: 5 } } } }],
    ['a duration with an unknown unit', { version: '1', services: { web: { runner, stop: { grace: '5x' } } } }],
    ['no runner', { version: '1', services: { web: {} } }],
    ['a port out of range', { version: '1', services: { web: { runner, rollout: { type: 'recreate', recreate: { ports: { http: 0 } } } } } }],
    ['a misspelt key in a step of steps', { version: '1', services: { web: { runner, hooks: { 'pre-up': [{ parallel: [{ rn: 'a' }] }] } } } }],
  ])('refuses %s', (_, document) => {
    expect(validator.safeParse(document).success).toBe(false);
  });

  it('explains every field', () => {
    const undescribed: string[] = [];
    const visit = (node: unknown, at: string): void => {
      if (typeof node !== 'object' || node === null) return;
      for (const [key, value] of Object.entries(node)) {
        if (key === 'properties') {
          for (const [name, field] of Object.entries(value as Record<string, { description?: string; $ref?: string }>)) {
            if (field.description === undefined) undescribed.push(`${at}.${name}`);
          }
        }
        visit(value, `${at}.${key}`);
      }
    };
    visit(schema, '');
    expect(undescribed).toEqual([]);
  });

  it('knows the runner types that the loader knows', () => {
    const parsed = runnerSchema.safeParse({ type: 'nomad' });
    expect(parsed.success).toBe(false);
    expect(JSON.stringify(schema)).toContain('["script","docker","podman","compose","swarm"]');
  });
});

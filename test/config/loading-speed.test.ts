import { describe, expect, it } from '@jest/globals';
import { cpuTimeOf } from './cpu-time.js';
import { load } from './load.js';

const thousand = Array.from({ length: 1000 }, (_, index) => `  svc-${index}:
    runner: {type: script, script: {run: "node server.js --port {{runtime.port.http}}", working_dir: apps/a${index}}}
    rollout: {type: recreate, recreate: {ports: {http: ${10_000 + index}}}}
    healthcheck: {type: http, http: {port: http, path: /health, interval: 5s}}
    environment: {static: {A: b, C: "\${env.HOME:-none}"}}
    restart: {policy: always, delay: 2s}
    depends_on: [${index === 0 ? '' : `svc-${index - 1}`}]
`).join('');
const text = `version: "1"\nservices:\n${thousand}`;

function bestOfThree(content: string): number {
  return Math.min(...[1, 2, 3].map(() => cpuTimeOf(() => load(content))));
}

describe('a source of 1,000 services', () => {
  it('loads in well under a second and a half', () => {
    expect(load(text)).toMatchObject({ ok: true });
    expect(bestOfThree(text)).toBeLessThan(1500);
  });

  it('is refused as fast when every service has a mistake', () => {
    const wrong = text.replaceAll('restart:', 'restrat:');
    expect(load(wrong)).toMatchObject({ ok: false });
    expect(bestOfThree(wrong)).toBeLessThan(1500);
  });
});

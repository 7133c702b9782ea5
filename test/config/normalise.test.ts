import { describe, expect, it } from '@jest/globals';
import { load, runs, serviceOf, specOf, withServices } from './load.js';

describe('a service that says no more than it must', () => {
  const service = serviceOf(withServices({ web: `{${runs}}` }), 'web');

  it('gets every default', () => {
    expect(service).toEqual({
      source: 'default',
      name: 'web',
      fqn: 'default:web',
      projectRoot: '/project',
      runner: { type: 'script', run: 'serve', workingDir: '/project', shell: '/bin/sh' },
      rollout: { type: 'recreate', ports: {} },
      proxy: [],
      healthcheck: [],
      dependsOn: [],
      environment: { service: { static: {}, providers: [] }, source: { static: {}, providers: [] } },
      build: null,
      restart: { policy: 'never', delayMs: 1000, maxDelayMs: 60_000, windowMs: 60_000, maxRestarts: null },
      hooks: { preUp: [], postUp: [], preDown: [], postDown: [] },
      expose: null,
      uses: [],
      instances: 1,
      scale: null,
      stop: { signal: 'SIGTERM', graceMs: 10_000 },
      limits: null,
      logs: { maxSizeBytes: 10_485_760, maxFiles: 10 },
      labels: {},
      specHash: expect.stringMatching(/^[0-9a-f]{64}$/) as unknown,
      instanceHash: expect.stringMatching(/^[0-9a-f]{64}$/) as unknown,
    });
  });

  it('cannot be changed', () => {
    expect(Object.isFrozen(service)).toBe(true);
    expect(Object.isFrozen(service.runner)).toBe(true);
    expect(Object.isFrozen(service.environment.service.static)).toBe(true);
  });
});

const everything = `
version: "1"
defaults:
  hive.health.http: {timeout: 2s, interval: 7s}
  hive.runner.script: {shell: /bin/bash}
proxy: {bind: "127.0.0.1:8080"}
environment: {static: {LEVEL: info, VERSION: 1.10, ON: true}, dotenv: {files: [.env]}}
hooks: {pre-up: [{run: prepare}], post-down: [{run: sweep}]}
observability: {resource_interval: 2s}
plugins: {backup: {enabled: true, dir: /var/backup, every: 1h}}
services:
  db: {runner: {type: docker, docker: {image: "postgres:17", ports: ["{{runtime.port.db}}:5432"], environment: {PGDATA: 1}}}, rollout: {type: recreate, recreate: {ports: {db: 5433}}}, expose: {name: pg, secret: \${env.KEY}, vars: {URL: "postgres://localhost:{{runtime.port.db}}/"}}}
  web:
    runner: {type: script, script: {run: serve {{runtime.port.http}}, working_dir: apps/web}}
    rollout: {type: blue-green, blue-green: {ports: {http: {blue: 8012, green: 8013}, metrics: auto}}}
    proxy:
      - {host: APP.example.com, path: /api/, port: http, strip_prefix: true}
      - {path: /metrics, port: "{{runtime.port.metrics}}", headers: {add: {X-From: hive}, remove: [Cookie]}}
    healthcheck:
      - {type: http, http: {port: "{{runtime.port.http}}", path: /health, timeout: 1s}}
      - {type: tcp, tcp: {port: 8013}}
      - {type: cmd, cmd: {command: check}}
    depends_on: {db: {condition: started, restart: true}}
    environment: {static: {LEVEL: debug}, dotenv: {files: a.env}}
    build: {command: make, output: bin/web}
    restart: {policy: on-failure, delay: 2s, max_restarts: 5}
    hooks: {pre-up: [{parallel: [{run: a}, {runner: {type: script, script: {run: b}}, on_failure: retry}], on_failure: warn}], pre-down: [{run: drain, timeout: 5s, environment: {A: 1}}]}
    uses: [{name: other, as: o, vars: {URL: OTHER_URL}}]
    scale: {min: 1, max: 1}
    stop: {signal: SIGINT, grace: 1m}
    limits: {memory: 1GB, cpu: 1.5, open_files: 1024}
    logs: {max_size: 1MB, max_files: 3}
    labels: {team: billing, floor: 3}
`;

describe('a source that says everything', () => {
  const source = specOf(everything, { env: { KEY: 'planted' } });
  const [db, web] = source.services;

  it('is normalised at the top', () => {
    expect(source).toMatchObject({
      name: 'default',
      proxy: { bind: ['127.0.0.1:8080'] },
      environment: { static: { LEVEL: 'info', VERSION: '1.10', ON: 'true' }, providers: [{ type: 'dotenv', files: ['/project/.env'] }] },
      observability: { resourceIntervalMs: 2000 },
      plugins: { backup: { enabled: true, dir: '/var/backup', every: '1h' } },
    });
    expect(source.hooks.preUp).toEqual([
      { kind: 'run', runner: { type: 'script', run: 'prepare', workingDir: '/project', shell: '/bin/sh' }, timeoutMs: 60_000, onFailure: 'abort', retries: 3, retryDelayMs: 5000, environment: {} },
    ]);
    expect(source.hooks.postDown).toMatchObject([{ onFailure: 'warn' }]);
  });

  it('resolves folders, units, ports and lists', () => {
    expect(web).toMatchObject({
      runner: { type: 'script', run: 'serve {{runtime.port.http}}', workingDir: '/project/apps/web', shell: '/bin/bash' },
      rollout: { type: 'blue-green', ports: { http: { blue: 8012, green: 8013 }, metrics: { blue: 'auto', green: 'auto' } }, healthyDurationMs: 10_000, timeoutMs: 60_000, onFailure: 'keep-old' },
      proxy: [
        { host: 'app.example.com', path: '/api', port: 'http', stripPrefix: true, timeoutMs: 60_000 },
        { host: null, path: '/metrics', port: 'metrics', headers: { add: { 'X-From': 'hive' }, remove: ['Cookie'] } },
      ],
      healthcheck: [
        { type: 'http', port: 'http', path: '/health', method: 'GET', status: { from: 200, to: 299 }, intervalMs: 7000, timeoutMs: 1000, retries: 3, startPeriodMs: 0 },
        { type: 'tcp', port: 'http', intervalMs: 10_000 },
        { type: 'cmd', command: 'check', workingDir: '/project/apps/web' },
      ],
      dependsOn: [{ name: 'db', condition: 'started', restart: true }],
      environment: { service: { static: { LEVEL: 'debug' }, providers: [{ files: ['/project/a.env'] }] }, source: { static: { LEVEL: 'info' } } },
      build: { command: 'make', workingDir: '/project/apps/web', when: 'missing', output: '/project/bin/web' },
      restart: { policy: 'on-failure', delayMs: 2000, maxDelayMs: 60_000, windowMs: 60_000, maxRestarts: 5 },
      uses: [{ name: 'other', secret: null, as: 'o', vars: { URL: 'OTHER_URL' } }],
      scale: { min: 1, max: 1, cpuUp: 0.8, cpuDown: 0.2, memoryUpBytes: null, cooldownUpMs: 60_000 },
      stop: { signal: 'SIGINT', graceMs: 60_000 },
      limits: { memoryBytes: 1_073_741_824, cpu: 1.5, openFiles: 1024 },
      logs: { maxSizeBytes: 1_048_576, maxFiles: 3 },
      labels: { team: 'billing', floor: '3' },
    });
    expect(web?.hooks.preUp).toMatchObject([{ kind: 'parallel', onFailure: 'warn', steps: [{ onFailure: 'warn', runner: { run: 'a', workingDir: '/project/apps/web' } }, { onFailure: 'retry' }] }]);
    expect(web?.hooks.preDown).toMatchObject([{ onFailure: 'warn', timeoutMs: 5000, environment: { A: '1' } }]);
  });

  it('fills in secrets where they are used', () => {
    expect(db?.expose).toEqual({ name: 'pg', secret: 'planted', vars: { URL: 'postgres://localhost:{{runtime.port.db}}/' } });
    expect(db?.runner).toMatchObject({ type: 'docker', environment: { PGDATA: '1' }, pull: 'missing', security: { capAdd: [], privileged: false }, socket: null });
  });
});

describe('spec hashes', () => {
  const base = { web: `{${runs}, restart: always, environment: {static: {A: 1, B: 2}}}` };
  const hashes = (body: string, top = '') => {
    const { specHash, instanceHash } = serviceOf(withServices({ web: body }, top), 'web');
    return { specHash, instanceHash };
  };

  it('do not depend on the order of keys, on comments, or on saying a default aloud', () => {
    const same = `{environment: {static: {B: 2, A: 1}}, restart: always, instances: 1, ${runs}} # the same`;
    expect(hashes(same)).toEqual(hashes(base.web));
  });

  it('tell a change that a running instance can live with from one that it cannot', () => {
    const before = hashes(base.web);
    const live = hashes(base.web.replace('always', 'on-failure'));
    expect(live.specHash).not.toBe(before.specHash);
    expect(live.instanceHash).toBe(before.instanceHash);
    const made = hashes(base.web.replace('A: 1', 'A: 3'));
    expect(made.instanceHash).not.toBe(before.instanceHash);
    const bySource = hashes(base.web, 'environment: {static: {C: 4}}\n');
    expect(bySource.instanceHash).not.toBe(before.instanceHash);
  });
});

describe('what YAML makes of things', () => {
  it('merges with <<, the own keys winning, and expands aliases', () => {
    const text = `version: "1"\nplugins:\n  common: &common {runner: &r {type: script, script: {run: a}}, restart: always}\nservices:\n  one: {<<: *common, restart: never}\n  two: {runner: *r}\n`;
    expect(specOf(text).services.map((service) => [service.name, service.restart.policy, service.runner])).toEqual([
      ['one', 'never', expect.objectContaining({ run: 'a' })],
      ['two', 'never', expect.objectContaining({ run: 'a' })],
    ]);
  });

  it('reads Windows line ends and a byte order mark', () => {
    expect(load(`\uFEFF${withServices({ web: `{${runs}}` }).replaceAll('\n', '\r\n')}`).ok).toBe(true);
  });
});

describe('defaults of a runner', () => {
  it('count for the steps of hooks, too: of services, of the source, and of steps that run in parallel', () => {
    const step = '{runner: {type: docker, docker: {command: [migrate]}}}';
    const { services: [web], hooks } = specOf(`version: "1"
defaults: {hive.runner.docker: {image: "tools:1", socket: /run/own.sock}}
hooks: {pre-up: [${step}]}
services:
  web: {${runs}, hooks: {pre-up: [{parallel: [${step}]}], post-up: [${step}]}}
`);
    const tools = { type: 'docker', image: 'tools:1', socket: '/run/own.sock', command: ['migrate'] };
    expect(hooks.preUp).toMatchObject([{ runner: tools }]);
    expect(web?.hooks.preUp).toMatchObject([{ steps: [{ runner: tools }] }]);
    expect(web?.hooks.postUp).toMatchObject([{ runner: tools }]);
  });
});

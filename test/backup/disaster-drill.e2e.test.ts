import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { execFileSync } from 'node:child_process';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { generateX25519Identity } from 'age-encryption';
import { DaemonClient } from '../../shared/client/index.js';
import type { Service } from '../../shared/protocol/results.js';
import { Sandbox } from '../hivectl/sandbox.js';
import { until } from '../support/until.js';
import { sleeper } from './backup-hive.js';
import { credentials, S3Server, serverName } from './s3-server.js';

/*
 * A daemon with three sources and running services is backed up to S3; its home and projects are lost; a new daemon
 * restores from the bucket, and everything runs again. All by hivectl, as a person would.
 */
let s3: S3Server;
let sandbox: Sandbox;
let outside: string;
beforeAll(async () => {
  s3 = await S3Server.start('disaster');
  outside = mkdtempSync(join(tmpdir(), 'hive-drill-'));
  Object.assign(process.env, credentials);
});
afterAll(async () => {
  for (const name of Object.keys(credentials)) delete process.env[name];
  await s3.stop();
  rmSync(outside, { recursive: true, force: true });
});
afterEach(() => sandbox.end());

const secret = 'pl4nted-hunter2-pl4nted';
const server = (port: number): string => `{runner: {type: script, script: {run: "exec sleep 1000", working_dir: /}}, restart: always, environment: {static: {TOKEN: ${secret}}}, rollout: {type: recreate, recreate: {ports: {http: ${port}}}}}`;

async function services(home: string): Promise<Map<string, Service>> {
  const client = await DaemonClient.connect({ home });
  try {
    return new Map((await client.listServices()).services.map((service) => [service.fqn, service]));
  } finally {
    client.close();
  }
}

const shown = (all: Map<string, Service>): object => Object.fromEntries([...all].map(([fqn, { wanted, state, instances, specHash, ports }]) => [fqn, { wanted, state, instances: instances.length, specHash, ports }]));

describe(`the disaster drill, with ${serverName}`, () => {
  it('brings everything back from a bucket into a home that knows nothing', async () => {
    sandbox = new Sandbox();
    const { root, home } = sandbox;
    const key = join(outside, 'backup.key');
    writeFileSync(key, await generateX25519Identity());
    const run = async (line: string, input = ''): Promise<string> => {
      const { code, out, err } = await sandbox.run(root, line, input);
      expect({ line, code, err: code === 0 ? '' : err }).toEqual({ line, code: 0, err: '' });
      return out;
    };

    // Three sources: the default one, a project in YAML, a database.
    execFileSync('mkdir', ['-m', '700', home]);
    const defaults = `version: "1"
plugins:
  backup: {enabled: true, every: never, s3: {bucket: disaster, prefix: drill, endpoint: "${s3.endpoint}", path_style: true}, encryption: {key_file: ${key}}}
services:
  web: ${server(18_412)}
  rare: ${sleeper}
`;
    writeFileSync(join(home, 'hive.yaml'), defaults);
    const shop = sandbox.project('shop', `version: "1"\nenvironment: {dotenv: {files: [.env]}}\nservices:\n  worker: ${sleeper}\n  batch: ${sleeper}\n`);
    writeFileSync(join(shop, '.env'), `PASSWORD=${secret}\n`);
    await run('daemon start');
    await run(`source add ${shop}`);
    await run(`source add ${join(root, 'jobs.db')}`);
    await run('service create jobs:mail -', sleeper);
    await run('service create jobs:report -', sleeper);
    await run('start shop:* jobs:mail');
    await run('scale shop:worker 3');
    await run('stop default:rare shop:batch');
    await run('plugin disable crash-notifier');
    const before = await until(async () => {
      const all = await services(home);
      return ['default:web', 'shop:worker', 'jobs:mail'].every((fqn) => all.get(fqn)?.state === 'running') && all.get('shop:worker')?.instances.length === 3 ? all : undefined;
    }, 'everything to run');
    const created = JSON.parse(await run('backup create --json')) as { id: string; services: number; encrypted: boolean };
    expect(created).toMatchObject({ services: 6, encrypted: true, missing: [] });

    // The machine is lost. What remains is the bucket, the key, and a person who knows where they are.
    await run('daemon stop');
    for (const gone of [home, shop, join(root, 'jobs.db'), join(root, 'jobs.db-wal'), join(root, 'jobs.db-shm')]) rmSync(gone, { recursive: true, force: true });

    const from = `s3://disaster/drill?endpoint=${s3.endpoint}&path_style=true`;
    const plan = await run(`backup restore --from ${from} --key-file ${key}`);
    expect(plan).toContain(`Snapshot ${created.id}`);
    expect(plan).toContain(`write ${join(home, 'hive.yaml')}`);
    expect(plan).toContain(`register source shop (${shop}/.adi/hive.yaml)`);
    expect([...(await services(home)).keys()]).toEqual([]);
    const done = await run(`backup restore --from ${from} --key-file ${key} --yes`);
    expect(done).not.toContain('failed');

    const after = await until(async () => {
      const all = await services(home);
      return all.size === 6 && ['default:web', 'shop:worker', 'jobs:mail'].every((fqn) => all.get(fqn)?.state === 'running' && all.get(fqn)?.instances.every(({ state }) => state === 'running')) ? all : undefined;
    }, 'everything to run again');
    expect(shown(after)).toEqual(shown(before));
    expect(after.get('default:rare')).toMatchObject({ wanted: 'down', state: 'stopped' });
    expect(readFileSync(join(home, 'hive.yaml'), 'utf8')).toBe(defaults);
    expect(readFileSync(join(shop, '.env'), 'utf8')).toBe(`PASSWORD=${secret}\n`);
    // History came along, and so did what was decided about plugins.
    expect((JSON.parse(await run('service revisions jobs:mail --json')) as { revisions: unknown[] }).revisions).toHaveLength(1);
    expect(await run('plugin list')).toMatch(/crash-notifier .*disabled/);
    // From here on it is backed up as before; the same again would change nothing but databases.
    expect(JSON.parse(await run('backup list --json'))).toMatchObject({ snapshots: [{ id: created.id, verified: true, services: 6 }] });
    expect(JSON.parse(await run('backup create --json'))).toMatchObject({ services: 6, encrypted: true });

    // Nothing that passed through the bucket, the logs or the journal shows the secret.
    for (const folder of ['logs', 'hived.log', 'plugin-data']) {
      expect(execFileSync('sh', ['-c', 'grep -rl -- "$1" "$2" || true', 'sh', secret, join(home, folder)], { encoding: 'utf8' })).toBe('');
    }
    expect(await run('events --json --tail 1000')).not.toContain(secret);
  }, 120_000);
});

import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Finding } from '../../hivectl/doctor/finding.js';
import type { Revision, Service, Status } from '../../shared/protocol/results.js';
import { until } from '../support/until.js';
import { Sandbox } from './sandbox.js';

let sandbox: Sandbox;
beforeEach(() => { sandbox = new Sandbox(); });
afterEach(() => sandbox.end());

const stack = 'version: "1"\nservices:\n  web: {runner: {type: script, script: {run: "exec sleep 1000"}}}\n';

describe('hivectl daemon', () => {
  it('starts once, keeps services over a restart, and stops', async () => {
    const shop = sandbox.project('shop', stack);
    expect(await sandbox.run(shop, 'daemon status')).toMatchObject({ code: 3, err: expect.stringContaining('[DAEMON_UNREACHABLE]') });
    const first = await sandbox.json<Status>(shop, 'daemon start');
    expect(await sandbox.run(shop, 'daemon start')).toMatchObject({ code: 0, out: `The daemon runs already: pid ${first.pid} owns ${sandbox.home}.\n` });
    expect((await sandbox.run(shop, 'up')).code).toBe(0);
    const pids = sandbox.servicePids();
    const second = await sandbox.json<Status>(shop, 'daemon restart --keep-services');
    expect(second.pid).not.toBe(first.pid);
    expect(sandbox.servicePids()).toEqual(pids);
    expect((await sandbox.run(shop, 'daemon logs -n 1000')).out).toMatch(/INFO {2}Ready\..*adopted=1/);
    expect((await sandbox.run(shop, 'why web')).out).toContain('a new daemon took over shop:web#1');
    expect(await sandbox.run(shop, 'daemon stop')).toMatchObject({ code: 0, out: 'The daemon is stopped.\n' });
    expect(sandbox.servicePids().size).toBe(0);
    expect(await sandbox.run(shop, 'daemon stop')).toMatchObject({ code: 0, out: 'No daemon is running.\n' });
  });

  it('runs in the foreground until it is told to end', async () => {
    const running = sandbox.start(sandbox.root, ['daemon', 'start', '--foreground']);
    await running.says('is ready');
    expect(await sandbox.run(sandbox.root, 'daemon start --foreground')).toMatchObject({ code: 6, err: expect.stringContaining('[HOME_LOCKED]') });
    running.process.kill('SIGINT');
    expect((await running.finished).code).toBe(0);
    expect((await sandbox.run(sandbox.root, 'status')).code).toBe(3);
  });

  it('passes on why a daemon could not start', async () => {
    writeFileSync(sandbox.home, 'a file where the home should be');
    const { code, err } = await sandbox.run(sandbox.root, 'daemon start');
    expect({ code, err }).toEqual({ code: 1, err: expect.stringMatching(/The daemon could not start: .*home.*\[HOME_REFUSED\]/) });
  });

  it('notices that the daemon goes away while it follows logs', async () => {
    const shop = sandbox.project('shop', 'version: "1"\nservices:\n  web: {runner: {type: script, script: {run: "echo hello; exec sleep 1000"}}}\n');
    await sandbox.run(shop, 'up');
    const following = sandbox.start(shop, ['logs', '-f']);
    await following.says('hello');
    await sandbox.run(shop, 'daemon stop');
    expect(await following.finished).toMatchObject({ code: 3, err: expect.stringContaining('[CONNECTION_CLOSED]') });
  });
});

describe('hivectl source', () => {
  it('adds, plans, reloads, disables, enables and removes', async () => {
    const shop = sandbox.project('shop', stack);
    await sandbox.run(sandbox.root, 'daemon start');
    expect(await sandbox.run(sandbox.root, 'source add shop --name store')).toMatchObject({ code: 0, out: 'Source store has 1 service; start them with hivectl start store:*\n' });
    expect((await sandbox.run(shop, 'start store:*')).code).toBe(0);
    expect((await sandbox.run(shop, 'source plan store')).out).toBe('A reload would change nothing.\n');
    const before = sandbox.servicePids().get('store:web');
    writeFileSync(join(shop, '.adi/hive.yaml'), stack.replace('sleep 1000', 'sleep 2000'));
    expect((await sandbox.run(shop, 'source reload store')).code).toBe(0);
    await until(() => { const pid = sandbox.servicePids().get('store:web'); return pid !== undefined && pid !== before ? true : undefined; }, 'another instance');
    expect((await sandbox.run(shop, 'source disable store')).code).toBe(0);
    await until(() => (sandbox.servicePids().size === 0 ? true : undefined), 'the services of a disabled source to stop');
    expect((await sandbox.run(shop, 'source enable store')).code).toBe(0);
    expect((await sandbox.run(shop, 'source remove store')).code).toBe(0);
    expect((await sandbox.run(shop, 'source list')).out).not.toContain('store');
    expect(await sandbox.run(shop, 'source remove store')).toMatchObject({ code: 4 });
  });
});

describe('hivectl service', () => {
  it('creates from JSON or YAML, updates, rolls back and deletes', async () => {
    await sandbox.run(sandbox.root, 'daemon start');
    const created = await sandbox.run(sandbox.root, 'service create cocoons:one -', 'runner: {type: script, script: {run: "exec sleep 1000"}}\n');
    expect(created).toMatchObject({ code: 0, out: 'cocoons:one is created; start it with hivectl start cocoons:one\n' });
    expect(await sandbox.run(sandbox.root, 'service create cocoons:one -', '{"runner": {"type": "script", "script": {"run": "true"}}}')).toMatchObject({ code: 6 });
    expect(await sandbox.run(sandbox.root, 'service create cocoons:two -', 'runner: {type: [')).toMatchObject({ code: 6, err: expect.stringContaining('neither JSON nor YAML') });
    writeFileSync(join(sandbox.root, 'patch.json'), '{"restart": "always"}');
    expect((await sandbox.run(sandbox.root, 'service update one patch.json')).code).toBe(0);
    expect((await sandbox.run(sandbox.root, 'service config one')).out).toContain('restart: always');
    const { revisions } = await sandbox.json<{ revisions: Revision[] }>(sandbox.root, 'service revisions one');
    expect(revisions.map(({ action }) => action)).toEqual(['update', 'create']);
    const oldest = revisions.at(-1)?.revision ?? 0;
    expect(await sandbox.run(sandbox.root, `service update one patch.json --if-revision ${oldest}`)).toMatchObject({ code: 6, err: expect.stringContaining('[CONFLICT]') });
    expect((await sandbox.run(sandbox.root, `service rollback one ${oldest}`)).code).toBe(0);
    expect((await sandbox.run(sandbox.root, 'service config one')).out).not.toContain('restart: always');
    expect(await sandbox.run(sandbox.root, 'service delete one')).toMatchObject({ code: 0, out: 'cocoons:one is deleted.\n' });
    expect((await sandbox.json<{ services: Service[] }>(sandbox.root, 'status')).services).toEqual([]);
  });
});

describe('hivectl config', () => {
  it('validates a file and prints the schema without a daemon', async () => {
    const good = sandbox.project('good', stack);
    const bad = sandbox.project('bad', 'version: "1"\nservices:\n  web: {runner: {type: scrpt}}\n');
    expect(await sandbox.run(good, 'config validate')).toMatchObject({ code: 0, out: expect.stringContaining('is in order.') });
    expect(await sandbox.run(sandbox.root, 'config validate bad')).toMatchObject({ code: 6, out: expect.stringContaining('bad/.adi/hive.yaml:3:') });
    expect((await sandbox.run(bad, 'config validate --json')).out).toContain('"problems"');
    expect(await sandbox.run(sandbox.root, 'config validate nowhere')).toMatchObject({ code: 4 });
    expect(JSON.parse((await sandbox.run(sandbox.root, 'config schema')).out)).toMatchObject({ properties: { services: expect.anything() } });
  });
});

describe('hivectl doctor', () => {
  const findings = async (line = 'doctor'): Promise<{ code: number | null; findings: Finding[] }> => {
    const { code, out } = await sandbox.run(sandbox.root, `${line} --json`);
    return { code, findings: (JSON.parse(out) as { findings: Finding[] }).findings };
  };

  it('finds nothing wrong with a machine that runs these tests', async () => {
    const { code, findings: all } = await findings();
    expect(all.filter(({ level }) => level === 'error')).toEqual([]);
    expect(code).toBe(0);
  });

  it('finds what is wrong with the home, the socket, services and their ports, and says what mends it', async () => {
    mkdirSync(sandbox.home, { mode: 0o700 });
    chmodSync(sandbox.home, 0o777);
    const { code, findings: all } = await findings(`doctor --socket ${join(sandbox.root, 'x'.repeat(100))}`);
    expect(code).toBe(1);
    expect(all).toContainEqual({ level: 'error', what: `Others may write into ${sandbox.home} (mode 777).`, mend: `chmod 700 ${sandbox.home}` });
    expect(all).toContainEqual(expect.objectContaining({ level: 'error', what: expect.stringContaining('the system allows 107') }));
    chmodSync(sandbox.home, 0o700);
    const shop = sandbox.project('shop', 'version: "1"\nservices:\n  bad: {runner: {type: script, script: {run: "exit 9"}}}\n');
    await sandbox.run(shop, 'up');
    const later = await findings();
    expect(later.code).toBe(1);
    expect(later.findings).toContainEqual(expect.objectContaining({ level: 'error', what: expect.stringContaining('shop:bad failed: it exited with code 9'), mend: 'hivectl why shop:bad' }));
  });

  it('sees a port that somebody else holds', async () => {
    const { createServer } = await import('node:net');
    const holder = createServer();
    await new Promise<void>((resolve) => holder.listen(0, '127.0.0.1', resolve));
    const { port } = holder.address() as { port: number };
    const shop = sandbox.project('shop', `version: "1"\nservices:\n  web:\n    runner: {type: script, script: {run: "exec sleep 1000"}}\n    rollout: {type: recreate, recreate: {ports: {http: ${port}}}}\n`);
    await sandbox.run(sandbox.root, 'daemon start');
    await sandbox.run(shop, 'source add');
    const { findings: all } = await findings();
    holder.close();
    expect(all).toContainEqual({
      level: 'error',
      what: expect.stringMatching(`^Port ${port} \\(http of shop:web\\) is taken by pid ${process.pid} \\(.*node`),
      mend: `ss -ltnp 'sport = :${port}' shows more; stop it, or give shop:web another port`,
    });
  });
});

describe('hivectl completion', () => {
  it('prints scripts that bash, at least, can read', async () => {
    const { execFileSync } = await import('node:child_process');
    const { out } = await sandbox.run(sandbox.root, 'completion bash');
    const asked = `${out}\nhivectl() { printf 'shop:web\\nshop:db\\n'; }\nCOMP_LINE='hivectl stop shop:'; COMP_POINT=\${#COMP_LINE}; _hivectl; printf '%s,' "\${COMPREPLY[@]}"`;
    expect(execFileSync('bash', ['-c', asked], { encoding: 'utf8' })).toBe('web,db,');
    for (const shell of ['zsh', 'fish']) expect((await sandbox.run(sandbox.root, `completion ${shell}`)).out).toContain('hivectl __complete');
  });
});

describe('hivectl --help', () => {
  it('names the commands, and --version the version', async () => {
    const { code, out } = await sandbox.run(sandbox.root, '--help');
    expect(code).toBe(0);
    for (const name of ['up', 'down', 'status', 'why', 'doctor', 'completion']) expect(out).toContain(`hivectl ${name}`);
    const { version } = JSON.parse(readFileSync(new URL('../../../package.json', import.meta.url), 'utf8')) as { version: string };
    expect((await sandbox.run(sandbox.root, '--version')).out).toBe(`${version}\n`);
  });
});

import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { TestHive } from '../support/test-hive.js';
import { until } from '../support/until.js';
import { wrongServices } from './wrong-services.js';

/** In every planted secret, and nowhere else. */
const mark = 'planted8e1f';
const fromDaemon = `${mark}-from-the-environment-of-hived`;

const stack = `version: "1"
environment:
  static: {OF_THE_SOURCE: ${mark}-source}
services:
  keeper:
    runner: {type: script, script: {run: 'exec sleep 1000'}}
    environment:
      static:
        PLAIN: ${mark}-static
        MAILGUN: ${mark}-mail
        MAILGUN_KEY: ${mark}-mailgun
        BASHFUL: ${mark}-bash
        COMP_SECRET: ${mark}-completion
        EPOCH_TOKEN: ${mark}-epoch
        QUOTED: "it's ${mark}-quoted $(id) \`id\`"
        FROM_ENV: \${env.PLANTED}
        BY_DEFAULT: \${env.NOT_SET:-${mark}-default}
        DATABASE_URL: postgres://me:${mark}-url@localhost/
      dotenv: {files: [.env]}
    healthcheck: {type: cmd, cmd: {command: 'test -n "$PLAIN" && test -n "$FROM_FILE"'}, interval: 300ms}
    build: {command: 'test -n "$FROM_FILE"', when: always}
    hooks:
      pre-up:
        - {run: 'test -n "$PLAIN" && test -n "$STEP"', environment: {STEP: "${mark}-step"}}
        - {run: 'exit 6 # on-purpose \${env.PLANTED}', on_failure: warn}
        - parallel: [{run: 'kill -KILL $$ # on-purpose \${env.PLANTED}', on_failure: warn}, {run: 'test -n "$FROM_FILE"'}]
    expose: {name: shared-keeper, secret: "${mark}-expose", vars: {SHARED: "${mark}-shared"}}
  crashing:
    runner: {type: script, script: {run: 'echo the end is near; exit 3'}}
    environment: {static: {PLAIN: ${mark}-crashing}}
    restart: {policy: on-failure, delay: 20ms, max_delay: 50ms, max_restarts: 3, window: 60s}
  unbuildable:
    runner: {type: script, script: {run: 'exec sleep 1000'}}
    environment: {static: {PLAIN: ${mark}-unbuildable}}
    build: {command: 'exit 4 # on-purpose \${env.PLANTED}', when: always}
  undone:
    runner: {type: script, script: {run: 'exec sleep 1000'}}
    environment: {static: {PLAIN: ${mark}-undone}}
    hooks: {post-up: [{run: 'exit 7 # on-purpose \${env.PLANTED}', on_failure: retry, retries: 1, retry_delay: 10ms}]}
  unstartable:
    runner: {type: script, script: {run: 'exec sleep 1000 # on-purpose \${env.PLANTED}', working_dir: nowhere}}
    environment: {static: {PLAIN: ${mark}-unstartable}}
  ill:
    runner: {type: script, script: {run: 'exec sleep 1000'}}
    environment: {static: {PLAIN: ${mark}-ill}}
    healthcheck: {type: cmd, cmd: {command: 'exit 5 # on-purpose \${env.PLANTED}', interval: 50ms, retries: 1}}
  neighbour:
    runner: {type: script, script: {run: 'echo neighbour; env; exec sleep 1000'}}
`;

const users = `version: "1"
services:
  friend:
    runner: {type: script, script: {run: 'exec sleep 1000'}}
    uses: [{name: shared-keeper, secret: "${mark}-expose", as: keeper, vars: {SHARED: OURS}}]
  thief:
    runner: {type: script, script: {run: 'exec sleep 1000'}}
    uses: [{name: shared-keeper, secret: "${mark}-guessed"}]
`;

describe('promise 18: a planted secret appears nowhere', () => {
  let hive: TestHive;
  let project: string;
  let webhook: Server;
  let watcher: ChildProcess;
  const seenInPs: string[] = [];
  let delivered = 0;

  beforeAll(async () => {
    hive = new TestHive({ PLANTED: fromDaemon, HIVE_LOG_LEVEL: 'trace' });
    watcher = watchCommandLines(seenInPs);
    const example = spawn('/bin/sh', ['-c', `read -r nothing # on-purpose ${mark}`], { stdio: ['pipe', 'ignore', 'ignore'] });
    await until(() => (seenInPs.length > 0 ? true : undefined), 'the watcher to see an example');
    example.kill();
    // It refuses at first, so that there is something to complain of.
    webhook = createServer((request, response) => {
      const isWhole = request.headers.authorization === `Bearer ${mark}-header` && request.url === `/${mark}-path?key=${mark}-query`;
      delivered += isWhole ? 1 : 0;
      response.writeHead(delivered < 2 ? 500 : 200).end();
    }).listen(0, '127.0.0.1');
    await once(webhook, 'listening');
    const { port } = webhook.address() as AddressInfo;
    writeFileSync(join(hive.home, 'hive.yaml'), `version: "1"
services: {}
plugins:
  crash-notifier:
    webhook: http://me:${mark}-password@127.0.0.1:${port}/${mark}-path?key=${mark}-query
    headers: {Authorization: Bearer ${mark}-header}
`);
    project = hive.writeSource('shop', stack);
    writeFileSync(join(project, '.env'), `FROM_FILE=${mark}-dotenv\nTOKEN="${mark}-dotenv-2"\n`);
    await hive.start();
    await until(async () => ((await hive.client.getPlugin({ plugin: 'crash-notifier' }).catch(() => null))?.state === 'ready' ? true : undefined), 'crash-notifier to be ready');
    await hive.client.addSource({ path: project, name: 'shop' });
    await hive.client.startService({ source: 'shop' });
    await hive.client.waitForService({ fqn: 'shop:keeper', for: 'healthy' });
    await Promise.all(['crashing', 'unbuildable', 'unstartable', 'undone'].map((name) => hive.serviceWhen(`shop:${name}`, ({ state }) => state === 'failed')));
    await hive.serviceWhen('shop:ill', ({ healthy }) => healthy === false);
    await hive.client.waitForService({ fqn: 'shop:neighbour', for: 'running' });
    await hive.addSource('app', users);
    await hive.client.startService({ source: 'app' });
    await hive.client.waitForService({ fqn: 'app:friend', for: 'running' });
    await hive.serviceWhen('app:thief', ({ state, reason }) => state === 'waiting' && reason.includes('secret'));
    await inDatabase();
    await until(() => (delivered >= 4 ? true : undefined), 'the webhook to be told of the crashes');
  }, 60_000);

  afterAll(async () => {
    watcher.kill();
    webhook.close();
    await hive.end();
  });

  /** A service of a database, with secrets in every revision. */
  async function inDatabase(): Promise<void> {
    const runner = { type: 'script', script: { run: 'exec sleep 1000' } };
    await hive.client.createService({ source: 'cocoons', name: 'job', config: { runner, environment: { static: { PLAIN: `${mark}-created`, API_KEY: `${mark}-key` } } } });
    await hive.client.startService({ fqn: 'cocoons:job' });
    await hive.client.waitForService({ fqn: 'cocoons:job', for: 'running' });
    await hive.client.updateService({ fqn: 'cocoons:job', patch: { environment: { static: { PLAIN: `${mark}-updated` } } } });
    await hive.client.rollbackService({ fqn: 'cocoons:job', revision: 1 });
    await hive.client.waitForService({ fqn: 'cocoons:job', for: 'running' });
  }

  it('is where it belongs: in the environment of its service, and of nothing else that hived started', async () => {
    const environmentOf = async (fqn: string): Promise<string> => readFileSync(`/proc/${(await hive.service(fqn)).instances[0]?.pid}/environ`, 'utf8');
    const keeper = await environmentOf('shop:keeper');
    for (const end of ['source', 'static', 'mail', 'mailgun', 'bash', 'completion', 'epoch', 'quoted $(id) `id`', 'default', 'url@localhost/', 'dotenv', 'dotenv-2']) expect(keeper).toContain(`${mark}-${end}`);
    expect(keeper).toContain(fromDaemon);
    expect(await environmentOf('cocoons:job')).toContain(`${mark}-created`);
    expect(await environmentOf('app:friend')).toContain(`OURS=${mark}-shared`);
    const neighbour = await environmentOf('shop:neighbour');
    expect(neighbour.split('\0').filter((variable) => variable.includes(mark))).toEqual([`OF_THE_SOURCE=${mark}-source`]);
    const { plugins } = await hive.client.listPlugins();
    const pids = plugins.flatMap(({ pid }) => (pid === null ? [] : [pid]));
    expect(pids).not.toEqual([]);
    for (const pid of pids) expect(readFileSync(`/proc/${pid}/environ`, 'utf8')).not.toContain(mark);
  });

  it('is on no command line, however short-lived', () => {
    // What somebody writes into a command is on the command line of its shell, as docs/configuration.md says.
    expect(seenInPs.filter((line) => !line.includes('# on-purpose'))).toEqual([]);
  });

  it('is in no file of the home but configurations, databases and what services themselves write', () => {
    const own = /^(projects\/|hive\.yaml$|cocoons\.db|state\.db|logs\/shop\/neighbour\/)/;
    const files = (readdirSync(hive.home, { recursive: true }) as string[]).filter((path) => !own.test(path) && statSync(join(hive.home, path), { throwIfNoEntry: false })?.isFile() === true);
    for (const kind of [/^hived\.log$/, /^run\/shop\/keeper\/1\//, /^logs\/shop\/crashing\//, /^logs\/\.plugins\/crash-notifier\//]) expect([kind, files.some((path) => kind.test(path))]).toEqual([kind, true]);
    expect(files.filter((path) => readFileSync(join(hive.home, path), 'latin1').includes(mark))).toEqual([]);
  });

  it('is in no answer and no event', async () => {
    const { client } = hive;
    const { services } = await client.listServices();
    const answers: Record<string, unknown> = {
      status: await client.status(),
      services,
      sources: await client.listSources(),
      plugins: await client.listPlugins(),
      plan: await client.planSource({ name: 'shop' }),
      stats: await client.getStats(),
      events: await client.listEvents({ limit: 10_000 }),
      snapshot: await client.subscribeEvents({ from: 'now' }),
      revisions: await client.listRevisions({ fqn: 'cocoons:job' }),
      routes: await client.getRoutes(),
      exposed: await client.listExposed(),
      logs: (await client.getLogs({ lines: 10_000 })).lines.filter(({ fqn }) => fqn !== 'shop:neighbour'),
    };
    for (const { fqn } of services) answers[`config of ${fqn}`] = await client.getServiceConfig({ fqn });
    for (const { fqn } of services) answers[`wait for ${fqn}`] = await client.waitForService({ fqn, for: 'completed', timeoutMs: 0 }).catch(everythingOf);
    for (const [name, answer] of Object.entries(answers)) expect([name, mentions(answer)]).toEqual([name, []]);
    expect(JSON.stringify(answers['events'])).toMatch(/service\.failed.*service\.healthChanged|service\.healthChanged.*service\.failed/s);
    // Where a secret comes from may be shown.
    expect(JSON.stringify(answers['config of shop:keeper'])).toContain('${env.PLANTED}');
  });

  it.each(wrongServices.map((body, index): [string, string] => [body.replaceAll('\n', '⏎'), body.replaceAll('@', `${mark}-wrong-${index}`)]))('is in no complaint about a hive.yaml: %s', async (_shown, body) => {
    const folder = hive.writeSource('wrong', `version: "1"\nservices:\n  web:\n    runner: {type: script, script: {run: x}}\n    ${body}\n`);
    const refused = await hive.client.addSource({ path: folder, name: 'wrong' }).then(() => null, everythingOf);
    expect(refused).toMatchObject({ data: { code: 'INVALID_CONFIG' } });
    expect(mentions(refused)).toEqual([]);
    expect(mentions(await hive.client.validateConfig({ path: join(folder, '.adi/hive.yaml') }))).toEqual([]);
  });

  it('is in no complaint about a live source, nor in the events and the log of it', async () => {
    for (const [index, body] of wrongServices.entries()) {
      writeFileSync(join(project, '.adi/hive.yaml'), `${stack}  web:\n    runner: {type: script, script: {run: x}}\n    ${body.replaceAll('@', `${mark}-live-${index}`)}\n`);
      expect(mentions(await hive.client.reloadSource({ name: 'shop' }).then(() => null, everythingOf))).toEqual([]);
      expect(mentions(await hive.client.listSources())).toEqual([]);
    }
    const { events } = await hive.client.listEvents({ limit: 10_000, types: ['source.error'] });
    expect(events.length).toBeGreaterThan(10);
    expect(mentions(events)).toEqual([]);
    expect(mentions(hive.daemonLog())).toEqual([]);
  });

  it('is in no complaint about a service that is sent to a database', async () => {
    const secret = `${mark}-sent`;
    const runner = { type: 'script', script: { run: 'x' } };
    const configs: unknown[] = [
      secret, [secret], { runner, environment: secret }, { runner, environment: [secret] }, { runner, environment: { static: secret } }, { runner, environment: { static: [secret] } },
      { runner, environment: { static: { PLAIN: { inner: secret } } } }, { runner, environment: { static: { '1BAD': secret } } }, { runner, environment: { static: { PLAIN: `${secret}\0` } } },
      { runner, environment: { static: { PLAIN: `${secret}\${env.NOT_SET_AT_ALL}` } } }, { runner, environment: { vault: { token: secret } } }, { runner, expose: { name: 'x', secret: [secret] } },
      { runner: { type: 'script', script: { run: 'x', password: secret } } }, { runner, env: { PLAIN: secret } },
    ];
    for (const config of configs) {
      const refused = await hive.client.createService({ source: 'cocoons', name: 'wrong', config }).then(() => null, everythingOf);
      expect([config, refused]).toEqual([config, expect.objectContaining({ data: expect.objectContaining({ code: 'INVALID_CONFIG' }) })]);
      expect([config, mentions(refused)]).toEqual([config, []]);
    }
    const update = await hive.client.updateService({ fqn: 'cocoons:job', patch: { environment: { static: { PLAIN: [secret] } } } }).then(() => null, everythingOf);
    expect(update).not.toBeNull();
    expect(mentions(update)).toEqual([]);
    expect(mentions(hive.daemonLog())).toEqual([]);
  });

  it('is in no complaint of crash-notifier about its settings', async () => {
    let refusedByPlugin = 0;
    for (const settings of [`webhook: ftp://me:${mark}-bad@host/`, `webhook: [${mark}-bad]`, `webhook: "http://host/"\n    headers: {Authorization: [${mark}-bad]}`, `webhook: "http://host/"\n    token: ${mark}-bad`, `command: {run: ${mark}-bad}`]) {
      const before = (await hive.client.getPlugin({ plugin: 'crash-notifier' })).pid;
      writeFileSync(join(hive.home, 'hive.yaml'), `version: "1"\nservices: {}\nplugins:\n  crash-notifier:\n    enabled: true\n    ${settings}\n`);
      // What hive.yaml can be checked for is refused when it is read, the rest by the plugin itself.
      const refused = await hive.client.reloadSource({ name: 'default' }).then(() => null, everythingOf);
      if (refused !== null) {
        expect(refused).toMatchObject({ data: { code: 'INVALID_CONFIG' } });
        expect(mentions(refused)).toEqual([]);
        expect(mentions(await hive.client.listSources())).toEqual([]);
        continue;
      }
      const plugin = await until(async () => {
        const found = await hive.client.getPlugin({ plugin: 'crash-notifier' });
        return found.state === 'failed' && (before === null || found.pid !== before) ? found : undefined;
      }, 'crash-notifier to give up');
      expect(plugin.reason).toContain('plugins.crash-notifier.');
      expect(mentions(plugin)).toEqual([]);
      refusedByPlugin += 1;
    }
    expect(refusedByPlugin).toBeGreaterThan(0);
    const folder = join(hive.home, 'logs/.plugins/crash-notifier');
    for (const file of readdirSync(folder)) expect(mentions(readFileSync(join(folder, file), 'utf8'))).toEqual([]);
  });

  it('is in no backup without the key, and in nothing that is said about one', async () => {
    writeFileSync(join(project, '.adi/hive.yaml'), stack);
    await hive.client.reloadSource({ name: 'shop' });
    const backups = join(hive.home, 'backups');
    const settings = async (encryption: string): Promise<void> => {
      writeFileSync(join(hive.home, 'hive.yaml'), `version: "1"\nservices: {}\nplugins:\n  backup: {enabled: true, every: never, on_crash: false, dir: ${backups}${encryption}}\n`);
      await hive.client.reloadSource({ name: 'default' });
    };
    const ask = (method: string, params: object = {}): Promise<unknown> => hive.client.callPlugin({ plugin: 'backup', method, params }, { deadlineMs: 60_000 });
    await settings('');
    await until(async () => ((await hive.client.getPlugin({ plugin: 'backup' })).state === 'ready' ? true : undefined), 'the backup plugin to be ready');
    // Without a key: none is made, and where the secrets are is said without saying them.
    const refused = await ask('create').then(() => null, everythingOf);
    expect(refused).toMatchObject({ message: expect.stringContaining('shop: services.keeper.environment.static.PLAIN'), data: { code: 'INVALID_CONFIG' } });
    expect(mentions(refused)).toEqual([]);
    expect(existsSync(backups)).toBe(false);
    // With one: nothing of it can be read.
    await settings(`, encryption: {passphrase: ${mark}-passphrase}`);
    const said = [await ask('create'), await ask('restore'), await ask('status'), await hive.client.getPlugin({ plugin: 'backup' })];
    said.push(await ask('verify', { from: { location: backups, passphrase: `${mark}-another` } }).then(() => null, everythingOf));
    said.push(await ask('list', { from: { location: `${mark}-nowhere`, passphrase: `${mark}-another` } }).then(() => null, (error: Error) => error.message.replace(`${mark}-nowhere`, '')));
    expect(mentions(said)).toEqual([]);
    const files = [backups, join(hive.home, 'plugin-data/backup'), join(hive.home, 'logs/.plugins/backup')].flatMap((folder) => (readdirSync(folder, { recursive: true }) as string[]).map((path) => join(folder, path))).filter((path) => statSync(path).isFile());
    expect(files.length).toBeGreaterThan(8);
    expect(files.filter((path) => readFileSync(path, 'latin1').includes(mark))).toEqual([]);
    expect(mentions(hive.daemonLog())).toEqual([]);
    expect(mentions(await hive.client.listEvents({ limit: 10_000 }))).toEqual([]);
    expect(seenInPs.filter((line) => !line.includes('# on-purpose'))).toEqual([]);
  });
});

/** The places in what was answered, or in text, where a secret is: none, one hopes. */
function mentions(answer: unknown): string[] {
  const text = typeof answer === 'string' ? answer : JSON.stringify(answer);
  return [...text.matchAll(new RegExp(`.{0,60}${mark}.{0,20}`, 'gs'))].map(([around]) => around);
}

/** All that travels with an error. */
function everythingOf(error: unknown): object {
  const { message, data } = error as { message: string; data: unknown };
  return { message, data };
}

/** Looks at every command line of the machine, again and again; fills `found` with those that hold a secret. */
function watchCommandLines(found: string[]): ChildProcess {
  const program = `
    const { readdirSync, readFileSync } = require('node:fs');
    const mark = Buffer.from(['planted', '8e1f'].join(''));
    const told = new Set();
    const look = () => {
      for (const pid of readdirSync('/proc')) {
        if (!(pid > 0) || pid == process.pid) continue;
        let line;
        try { line = readFileSync('/proc/' + pid + '/cmdline'); } catch { continue; }
        if (!line.includes(mark)) continue;
        const text = line.toString().replaceAll('\\0', ' ');
        if (!told.has(text)) console.log(text);
        told.add(text);
      }
      setTimeout(look, 2);
    };
    console.log('watching');
    look();
  `;
  const child = spawn(process.execPath, ['-e', program], { stdio: ['ignore', 'pipe', 'inherit'] });
  child.stdout.on('data', (chunk: Buffer) => found.push(...chunk.toString().split('\n').filter((line) => line !== '' && line !== 'watching')));
  return child;
}

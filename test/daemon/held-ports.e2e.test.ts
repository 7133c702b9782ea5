import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { TestHive } from '../support/test-hive.js';
import { eventsOf, journalOf } from '../support/journal.js';
import { freePort } from '../support/free-port.js';

const serves = `exec node -e "require('net').createServer(c=>c.end()).listen(process.env.PORT,'127.0.0.1')"`;
const web = (ports: string, more: string, run = serves): string => `
version: "1"
services:
  web:
    runner: {type: script, script: {run: ${JSON.stringify(run)}}}
    rollout: {type: recreate, recreate: {ports: {http: ${ports}}}}
    healthcheck: {type: tcp, tcp: {port: http, interval: 50ms}}
    ${more}
`;
const persistent = 'restart: {policy: always, delay: 100ms, max_delay: 200ms}';

let hive: TestHive;
const strangers: ChildProcess[] = [];
beforeEach(async () => {
  hive = await TestHive.started();
});
afterEach(async () => {
  for (const stranger of strangers.splice(0)) stranger.kill('SIGKILL');
  await hive.end();
});

/** A program that is nobody's service and listens. */
async function stranger(port: number, address = '0.0.0.0', argv0 = 'node'): Promise<ChildProcess> {
  const child = spawn(process.execPath, ['-e', `require('net').createServer().listen(${port}, '${address}', () => console.log('listens'))`], { argv0, stdio: ['ignore', 'pipe', 'inherit'] });
  strangers.push(child);
  await once(child.stdout, 'data');
  return child;
}

async function start(yaml: string): Promise<void> {
  await hive.addSource('shop', yaml);
  await hive.client.startService({ fqn: 'shop:web' });
}

describe('a port that a stranger holds', () => {
  it('keeps a service from being launched, is named with its holder, and the service comes up by itself once it is free', async () => {
    const port = await freePort();
    const holder = await stranger(port);
    await start(web(String(port), persistent));
    const held = await hive.serviceWhen('shop:web', ({ state }) => state === 'backoff');
    expect(held.reason).toMatch(new RegExp(`^it could not be started: restarting in 100 ms; its port ${port} \\(http\\) is held by pid ${holder.pid} \\(node -e .*\\)\\. Stop that program`));
    expect(eventsOf(await journalOf(hive.client), 'service.started')).toEqual([]);
    holder.kill('SIGKILL');
    await hive.client.waitForService({ fqn: 'shop:web', for: 'healthy' });
  });

  it('fails a service that is not to be restarted, with the code CONFLICT', async () => {
    const port = await freePort();
    await stranger(port);
    await start(web(String(port), 'restart: never'));
    await expect(hive.client.waitForService({ fqn: 'shop:web', for: 'running' })).rejects.toMatchObject({ code: 'CONFLICT', message: expect.stringContaining(`its port ${port} (http) is held by pid`) });
    expect(eventsOf(await journalOf(hive.client), 'service.failed')).toMatchObject([{ code: 'CONFLICT' }]);
  });

  it('makes an auto port move, and it stays where it has moved to', async () => {
    await start(web('auto', persistent));
    const before = (await hive.client.waitForService({ fqn: 'shop:web', for: 'healthy' })).ports['http'] ?? 0;
    await hive.client.stopService({ fqn: 'shop:web' });
    await hive.client.waitForService({ fqn: 'shop:web', for: 'stopped' });
    await stranger(before);
    await hive.client.startService({ fqn: 'shop:web' });
    const after = (await hive.client.waitForService({ fqn: 'shop:web', for: 'healthy' })).ports['http'];
    expect(after).not.toBe(before);
    await hive.shutdown();
    await hive.start();
    await hive.client.startService({ fqn: 'shop:web' });
    expect((await hive.client.waitForService({ fqn: 'shop:web', for: 'healthy' })).ports['http']).toBe(after);
  });

  it('of which an engine has the say is left to the engine', async () => {
    const port = await freePort();
    await stranger(port, '0.0.0.0', 'docker-proxy');
    await start(web(String(port), persistent, 'exec sleep 1000'));
    await hive.client.waitForService({ fqn: 'shop:web', for: 'healthy' });
  });
});

describe('a port that only seems to be held', () => {
  it.each(['127.0.0.2', '::1'])('at %s does not stand in the way', async (address) => {
    const port = await freePort();
    await stranger(port, address);
    await start(web(String(port), persistent));
    expect((await hive.client.waitForService({ fqn: 'shop:web', for: 'healthy' })).restarts).toBe(0);
  });

  it('by what the last run left behind is freed first', async () => {
    const port = await freePort();
    // The listener is a child in a session of its own; what was started dies at once when asked to over the port.
    const forks = `setsid node -e "require('net').createServer(c=>c.on('data',()=>process.kill(+process.argv[1],'SIGKILL'))).listen(process.env.PORT,'127.0.0.1')" $$ & sleep 1000 & wait`;
    await start(web(String(port), persistent, forks));
    await hive.client.waitForService({ fqn: 'shop:web', for: 'healthy' });
    connect(port, '127.0.0.1').on('error', () => undefined).end('die');
    await hive.serviceWhen('shop:web', ({ restarts, healthy }) => restarts === 1 && healthy === true);
    expect(eventsOf(await journalOf(hive.client), 'service.crashed')).toMatchObject([{ signal: 'SIGKILL' }]);
  });

  it('by closing connections is taken at once', async () => {
    const port = await freePort();
    const closes = `exec node -e "require('net').createServer(c=>c.on('data',()=>{c.end();setTimeout(()=>process.exit(1),20)})).listen(process.env.PORT,'127.0.0.1')"`;
    await start(web(String(port), persistent, closes));
    await hive.client.waitForService({ fqn: 'shop:web', for: 'healthy' });
    const client = connect(port, '127.0.0.1').on('error', () => undefined);
    client.write('die');
    await hive.serviceWhen('shop:web', ({ restarts, healthy }) => restarts === 1 && healthy === true);
    client.destroy();
  });
});

import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { HiveEvent } from '../../shared/protocol/events.js';
import { TestHive } from '../support/test-hive.js';
import { until } from '../support/until.js';

/** A server that is well until the file `ill` is there: `http` answers 500, `tcp` stops listening, `mute` answers nothing. */
const server = `const fs = require('node:fs');
const ill = () => fs.existsSync('ill');
const server = require('node:http').createServer((request, response) => {
  if (ill() && process.argv[2] === 'mute') return;
  response.statusCode = ill() || request.url !== '/up' ? 500 : 204;
  response.end();
});
server.listen(Number(process.env.PORT), '127.0.0.1');
if (process.argv[2] === 'tcp') setInterval(() => { if (ill() && server.listening) { server.close(); server.closeAllConnections(); } }, 5);
`;

const stack = (kind: string, check: string, restart: string): string => `version: "1"
services:
  web:
    runner: {type: script, script: {run: 'exec ${process.execPath} server.js ${kind}'}}
    rollout: {type: recreate, recreate: {ports: {http: auto}}}
    healthcheck: ${check}
    restart: ${restart}
`;
const quick = 'interval: 50ms, timeout: 1s, retries: 2';
/** However long a busy machine takes to start a server; the first success ends it. */
const patient = `${quick}, start_period: 60s`;
const always = '{policy: always, delay: 10ms, max_delay: 50ms}';

describe('health checks', () => {
  let hive: TestHive;
  let folder: string;
  beforeEach(async () => {
    hive = await TestHive.started();
  });
  afterEach(() => hive.end());

  const ill = (): string => join(folder, 'ill');
  const healthyOnce = async (yaml: string): Promise<number> => {
    folder = hive.writeSource('shop', yaml);
    writeFileSync(join(folder, 'server.js'), server);
    await hive.client.addSource({ path: folder, name: 'shop' });
    await hive.client.startService({ fqn: 'shop:web' });
    const { instances } = await hive.client.waitForService({ fqn: 'shop:web', for: 'healthy' });
    return instances[0]?.pid as number;
  };
  const events = async (): Promise<HiveEvent[]> => (await hive.client.listEvents({ services: ['shop:web'] })).events as unknown as HiveEvent[];
  const verdicts = async (): Promise<[boolean, string, string][]> => (await events()).flatMap((event) => (event.type === 'service.healthChanged' ? [[event.healthy, event.check, event.detail]] : []));

  it.each<[string, string, RegExp, string]>([
    ['http', `{type: http, http: {path: /up, ${patient}}}`, /500/, 'http GET /up on port http'],
    ['tcp', `{type: tcp, tcp: {}, ${patient}}`, /refused/, 'tcp port http'],
    ['cmd', `{type: cmd, cmd: {command: "test ! -e ill || { echo has a fever; exit 7; }", ${patient}}}`, /exited with 7.*has a fever/, 'cmd test'],
    ['mute', '{type: http, http: {path: /up, interval: 50ms, timeout: 200ms, retries: 2, start_period: 60s}}', /200 ms/, 'http GET /up on port http'],
  ])('tell with the reason when a service is ill, and its policy restarts it: %s', async (kind, check, detail, name) => {
    const pid = await healthyOnce(stack(kind, check, always));
    writeFileSync(ill(), '');
    await until(async () => ((await verdicts()).some(([healthy]) => !healthy) ? true : undefined), 'it to be found ill');
    rmSync(ill());
    const after = await hive.serviceWhen('shop:web', ({ healthy, instances }) => healthy === true && instances[0]?.pid !== pid);
    expect(after.restarts).toBeGreaterThan(0);
    const [well, notWell] = await verdicts();
    expect(well?.slice(0, 2)).toEqual([true, name]);
    expect(notWell?.slice(0, 2)).toEqual([false, name]);
    expect(notWell?.[2]).toMatch(detail);

    // Why it was restarted can be followed back: starting ← crashed ← healthChanged.
    const all = await events();
    const changed = all.find((event) => event.type === 'service.healthChanged' && !event.healthy);
    const crashed = all.find((event) => event.type === 'service.crashed');
    const restarted = all.find((event) => event.type === 'service.starting' && event.seq > (changed?.seq ?? Infinity));
    expect(crashed?.cause).toBe(changed?.seq);
    expect(restarted?.cause).toBe(crashed?.seq);
  });

  it('leave a service with policy never as it is, say why it is not healthy, and see it recover', async () => {
    const pid = await healthyOnce(stack('http', `{type: http, http: {path: /up, ${patient}}}`, 'never'));
    writeFileSync(ill(), '');
    const sick = await hive.serviceWhen('shop:web', ({ healthy }) => healthy === false);
    expect(sick).toMatchObject({ state: 'running', restarts: 0, reason: expect.stringMatching(/^it runs but is unhealthy: .*500/) });
    rmSync(ill());
    const again = await hive.serviceWhen('shop:web', ({ healthy }) => healthy === true);
    expect(again.instances[0]?.pid).toBe(pid);
    expect((await verdicts()).map(([healthy]) => healthy)).toEqual([true, false, true]);
    expect((await events()).filter(({ type }) => type === 'service.starting')).toHaveLength(1);
  });

  it('count no failure during start_period, and success at once', async () => {
    folder = hive.writeSource('shop', stack('http', `{type: http, http: {path: /up}, interval: 20ms, retries: 1, start_period: 60s}`, always));
    writeFileSync(join(folder, 'server.js'), server);
    writeFileSync(ill(), '');
    await hive.client.addSource({ path: folder, name: 'shop' });
    await hive.client.startService({ fqn: 'shop:web' });
    const { instances } = await hive.client.waitForService({ fqn: 'shop:web', for: 'running' });
    await expect(hive.client.waitForService({ fqn: 'shop:web', for: 'healthy', timeoutMs: 1_000 })).rejects.toMatchObject({ code: 'TIMEOUT' });
    expect(await hive.service('shop:web')).toMatchObject({ state: 'running', healthy: null, restarts: 0 });
    rmSync(ill());
    const well = await hive.client.waitForService({ fqn: 'shop:web', for: 'healthy' });
    expect(well.instances[0]?.pid).toBe(instances[0]?.pid);
  });

  it('are all needed: a service is healthy when each of them passes', async () => {
    folder = hive.writeSource('shop', stack('http', `[{type: tcp, tcp: {}, ${patient}}, {type: cmd, cmd: {command: test -e ready}, ${quick}}]`, 'never'));
    writeFileSync(join(folder, 'server.js'), server);
    await hive.client.addSource({ path: folder, name: 'shop' });
    await hive.client.startService({ fqn: 'shop:web' });
    await hive.serviceWhen('shop:web', ({ healthy, reason }) => healthy === false && reason.includes('exited with 1'));
    writeFileSync(join(folder, 'ready'), '');
    await hive.client.waitForService({ fqn: 'shop:web', for: 'healthy' });
  });

  it('go on for an adopted service, and what was known of it stays known', async () => {
    const pid = await healthyOnce(stack('http', `{type: http, http: {path: /up, ${patient}}}`, 'never'));
    await hive.restartAfterKill();
    const adopted = await hive.service('shop:web');
    expect(adopted).toMatchObject({ state: 'running', healthy: true });
    expect(adopted.instances[0]?.pid).toBe(pid);
    writeFileSync(ill(), '');
    await hive.serviceWhen('shop:web', ({ healthy }) => healthy === false);
  });
});

import { afterEach, describe, expect, it } from '@jest/globals';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { SignaledHive, sleeper } from '../signaling/support/signaled-hive.js';
import { seededRandom } from '../support/seeded-random.js';
import { servicesInProc } from '../support/services-in-proc.js';
import { until } from '../support/until.js';

/** In the normal run; HIVE_COCOON_KILLS=100 HIVE_COCOONS=1000 for the whole promise. */
const kills = Number(process.env['HIVE_COCOON_KILLS'] ?? 6);
const many = Number(process.env['HIVE_COCOONS'] ?? 100);
/** Plugins that are killed often are started again soon, and never put in quarantine. */
const restartsSoon = { HIVE_PLUGIN_TIMINGS: JSON.stringify({ backoffFirstMs: 20, backoffLongestMs: 20, quarantineAfter: 100_000 }) };

let signaled: SignaledHive;
afterEach(() => signaled.end(), 120_000);

describe('one cocoon per request', () => {
  it(`under tenfold redelivery, with the plugin and the daemon killed ${kills} times at random`, async () => {
    signaled = await SignaledHive.started(restartsSoon);
    const seed = Date.now();
    const random = seededRandom(seed);
    const spawns = Array.from({ length: 12 }, (_, index) => ({ request_id: `spawn-${index}`, ...(index % 3 === 0 ? { name: `named-${index}` } : {}) }));
    const dialects = ['hive_spawn_cocoon', 'spawn_cocoon'] as const;
    const deliver = (requests: readonly object[], type: (index: number) => string): void => {
      for (const [index, request] of requests.entries()) {
        // A request that is under way when its Hive dies is asked again, as servers do.
        signaled.server.send('test-hive', { setup_token: 'planted-token', kind: 'default', ...request, type: type(index) });
      }
    };
    for (let round = 0; round < kills; round += 1) {
      await signaled.registered();
      const from = Math.floor(random() * spawns.length);
      deliver([...spawns.slice(from), ...spawns.slice(0, from)], () => dialects[Math.floor(random() * 2)] ?? 'spawn_cocoon');
      await passing(random() * 60);
      if (random() < 0.4) await signaled.hive.restartAfterKill();
      else process.kill((await signaled.plugin()).pid ?? fail('The plugin does not run.'), 'SIGKILL');
      await until(() => (signaled.server.hives.length === 0 ? true : undefined), 'the link to be gone');
    }
    for (let round = kills; round < 10; round += 1) {
      await signaled.registered();
      deliver(spawns, () => 'spawn_cocoon');
    }
    await signaled.registered();
    deliver(spawns, () => 'hive_spawn_cocoon');
    for (const { request_id: id } of spawns) await signaled.answerTo(id, 40_000);

    const made = spawns.map(({ request_id: id }) => {
      const kindsOfAnswer = new Set(signaled.answers.filter((answer) => answer['request_id'] === id).map(({ success, container_id: name, error }) => JSON.stringify({ success, name, error })));
      expect([seed, id, [...kindsOfAnswer]]).toEqual([seed, id, [expect.stringContaining('"success":true')]]);
      return (JSON.parse([...kindsOfAnswer][0] ?? '{}') as { name: string }).name;
    });
    expect(new Set(made).size).toBe(spawns.length);
    expect(await signaled.cocoons()).toEqual([...made].sort());
    const { services } = await signaled.hive.client.listServices();
    for (const service of services) expect([service.name, service.state]).toEqual([service.name, 'running']);
    expect(servicesInProc(signaled.hive.home).pids.size).toBe(spawns.length);

    // The same for their end.
    const terminations = made.map((name, index) => ({ request_id: `end-${index}`, container_id: name }));
    for (let round = 0; round < 3; round += 1) {
      await signaled.registered();
      deliver(terminations, () => 'hive_terminate_cocoon');
      await passing(random() * 40);
      process.kill((await signaled.plugin()).pid ?? fail('The plugin does not run.'), 'SIGKILL');
      await until(() => (signaled.server.hives.length === 0 ? true : undefined), 'the link to be gone');
    }
    await signaled.registered();
    deliver(terminations, () => 'terminate_cocoon');
    for (const { request_id: id } of terminations) {
      await signaled.answerTo(id);
      const answers = signaled.answers.filter((answer) => answer['request_id'] === id);
      expect([seed, id, new Set(answers.map(({ success }) => success))]).toEqual([seed, id, new Set([true])]);
    }
    expect(await signaled.cocoons()).toEqual([]);
  }, 60_000 + kills * 5_000);

  it(`${many} spawns and ${many} terminations at once: each is answered, and nothing is left`, async () => {
    signaled = await SignaledHive.started({ COCOON_MAX: String(many) });
    for (let index = 0; index < many; index += 1) {
      signaled.send({ type: 'hive_spawn_cocoon', request_id: `s${index}`, setup_token: 'planted-token', kind: 'default', name: `c${index}` });
      signaled.send({ type: 'hive_terminate_cocoon', request_id: `t${index}`, container_id: `c${index}` });
    }
    await until(() => (signaled.answers.length >= 2 * many ? true : undefined), 'every request to be answered', 30_000 + many * 300);
    expect(signaled.answers).toHaveLength(2 * many);
    expect(signaled.answers.filter(({ success }) => success !== true)).toEqual([]);
    expect(await signaled.cocoons()).toEqual([]);
    expect(servicesInProc(signaled.hive.home).pids.size).toBe(0);
    expect((await signaled.hive.client.getRoutes()).routes).toEqual([]);
    for (const folder of ['run/cocoons', 'logs/cocoons']) expect([folder, existsSync(join(signaled.hive.home, folder)) ? readdirSync(join(signaled.hive.home, folder)) : []]).toEqual([folder, []]);
    expect((await signaled.status()).requests.underWay).toBe(0);
  }, 60_000 + many * 400);
});

describe('0 spawns', () => {
  it('over quota, whatever arrives at once', async () => {
    signaled = await SignaledHive.started({ COCOON_MAX: '3' });
    for (let index = 0; index < 1_000; index += 1) signaled.send({ type: 'hive_spawn_cocoon', request_id: `r${index}`, setup_token: 'planted-token', kind: 'default' });
    await until(() => (signaled.answers.length >= 1_000 ? true : undefined), 'every request to be answered');
    expect(signaled.answers.filter(({ success }) => success === true)).toHaveLength(3);
    expect(signaled.answers.find(({ success }) => success === false)?.['error']).toBe('This Hive has 3 cocoons; it takes 3 at most.');
    expect(await created()).toHaveLength(3);
    // What is refused stays refused, and what goes makes room.
    const [name = ''] = await signaled.cocoons();
    expect(await signaled.terminate({ request_id: 'gone', container_id: name })).toMatchObject({ success: true });
    const refused = String(signaled.answers.find(({ success }) => success === false)?.['request_id']);
    expect(await signaled.spawn({ request_id: refused })).toMatchObject({ success: false, error: 'This Hive has 3 cocoons; it takes 3 at most.' });
    expect(await signaled.spawn({ request_id: 'another' })).toMatchObject({ success: true });
    // Somebody at this machine may remove one, too.
    await signaled.hive.client.deleteService({ fqn: `cocoons:${(await signaled.cocoons())[0]}` });
    await until(async () => ((await signaled.status()).cocoons.count === 2 ? true : undefined), 'the plugin to have heard of it');
    expect(await signaled.spawn({ request_id: 'yet another' })).toMatchObject({ success: true });
  }, 60_000);

  it('of unknown kinds and wrong names, and $(…), newlines and leading dashes stay text in every field', async () => {
    signaled = await SignaledHive.started({ COCOON_SCRIPT_PATH: sleeper });
    const canary = join(signaled.hive.home, 'executed');
    const hostile = [
      `$(touch ${canary})`, `\`touch ${canary}\``, `; touch ${canary} #`, `' ; touch ${canary} '`, `a\ntouch ${canary}`, `-rf`, `--help`, '../../etc', 'a/b', '\u0000', 'x'.repeat(300),
      '${env.HIVE_SECRET}', '{{runtime.port.http}}', '$${env.HOME}', '__proto__', 'constructor', '%s%n', 'ｗorker', '\u202Eevil', '*', ' ', '"', '\\',
    ];
    for (const [index, text] of hostile.entries()) {
      const id = `${text}#${index}`;
      expect([text, await signaled.spawn({ request_id: `kind ${id}`, kind: text })]).toEqual([text, refusal(`kind ${id}`)]);
      // Of these, some are names.
      if (!/^[a-z][a-z0-9_-]*$/.test(text) || text.length > 63) expect([text, await signaled.spawn({ request_id: `name ${id}`, name: text })]).toEqual([text, refusal(`name ${id}`)]);
      expect([text, await signaled.terminate({ request_id: `end ${id}`, container_id: text })]).toEqual([text, { ...refusal(`end ${id}`), type: 'hive_terminate_cocoon_result' }]);
    }
    for (const odd of [null, 7, {}, [], ['default'], { toString: 'x' }]) expect(await signaled.spawn({ request_id: `odd ${JSON.stringify(odd)}`, kind: odd })).toMatchObject({ success: false });
    expect(await created()).toEqual([]);

    for (const [index, token] of hostile.filter((text) => !text.includes('\0')).entries()) {
      const answer = await signaled.spawn({ request_id: `token ${index}`, setup_token: token, name: `t${index}` });
      expect([token, answer]).toEqual([token, expect.objectContaining({ success: true, container_id: `t${index}` })]);
      expect((await signaled.environmentOf(`t${index}`))['COCOON_SETUP_TOKEN']).toBe(token);
    }
    expect(existsSync(canary)).toBe(false);
  }, 60_000);
});

const refusal = (requestId: string) => ({ type: 'hive_spawn_cocoon_result', request_id: requestId, success: false, error: expect.stringMatching(/^[^\n]{5,400}\.$/) as unknown });

async function created(): Promise<unknown[]> {
  return (await signaled.hive.client.listEvents({ types: ['service.created'], limit: 10_000 })).events;
}

/** So that a kill falls at any moment of the work; not a wait for anything. */
function passing(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

function fail(why: string): never {
  throw new Error(why);
}

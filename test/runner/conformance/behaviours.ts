import { expect } from '@jest/globals';
import type { Service } from '../../../shared/protocol/results.js';
import type { TestHive } from '../../support/test-hive.js';
import { until } from '../../support/until.js';
import type { Subject } from './subject.js';

/** What a test of a behaviour has: a daemon, a runner, and services under names of its own. */
export interface Stage {
  readonly hive: TestHive;
  readonly subject: Subject;
  /** Registers a source of one service and starts it; answers its full name. */
  readonly service: (runner: unknown, more?: Record<string, unknown>) => Promise<string>;
}

/** One thing that every runner does; its name is its row in docs/runners.md. */
export interface Behaviour {
  readonly name: string;
  readonly run: (stage: Stage) => Promise<void>;
}

const forever = 'while :; do sleep 0.1; done';
const quickStop = { stop: { grace: '300ms' } };
const ports = (port: unknown = 'auto') => ({ rollout: { type: 'recreate', recreate: { ports: { http: port } } } });

export const behaviours: readonly Behaviour[] = [
  {
    name: 'output goes to the logs, by stream and in order',
    run: async ({ hive, subject, service }) => {
      const fqn = await service(subject.runner(`i=0; while [ $i -lt 500 ]; do i=$((i+1)); echo out $i; done; echo err >&2; ${forever}`), quickStop);
      const lines = async (stream: 'stdout' | 'stderr') => (await hive.client.getLogs({ fqn, lines: 1_000, stream })).lines.map(({ message }) => message);
      await until(async () => ((await lines('stderr')).length === 1 && (await lines('stdout')).length === 500 ? true : undefined), 'all lines');
      expect(await lines('stdout')).toEqual(Array.from({ length: 500 }, (_, index) => `out ${index + 1}`));
      expect(await lines('stderr')).toEqual(['err']);
    },
  },
  {
    name: 'exit codes are exact',
    run: async ({ hive, subject, service }) => {
      const [zero, seven] = [await service(subject.runner('exit 0')), await service(subject.runner('exit 7'))];
      expect((await hive.serviceWhen(zero, ({ state }) => state === 'completed')).instances[0]?.lastExit).toMatchObject({ code: 0, signal: null });
      expect((await hive.serviceWhen(seven, ({ state }) => state === 'failed')).instances[0]?.lastExit).toMatchObject({ code: 7, signal: null });
    },
  },
  {
    name: 'an end by a signal is told at once',
    run: async ({ hive, subject, service }) => {
      const fqn = await service(subject.runner(forever));
      const instance = oneOf(await hive.serviceWhen(fqn, isRunning));
      const pid = subject.pidOf?.(instance.containerId ?? '') ?? instance.pid ?? 0;
      const began = performance.now();
      process.kill(pid, 'SIGKILL');
      const { instances } = await hive.serviceWhen(fqn, ({ state }) => state === 'failed');
      expect(performance.now() - began).toBeLessThan(2_000);
      expect(instances[0]?.lastExit).toMatchObject(subject.killed);
    },
  },
  {
    name: 'a crash is followed by a restart, and its event has the last lines',
    run: async ({ hive, subject, service }) => {
      const fqn = await service(subject.runner('echo going down >&2; exit 4'), { restart: { policy: 'on-failure', delay: '50ms', max_delay: '50ms' } });
      await hive.serviceWhen(fqn, ({ restarts }) => restarts >= 2);
      const { events } = await hive.client.listEvents({ types: ['service.crashed'], services: [fqn] });
      expect(events[0]).toMatchObject({ exitCode: 4, lastLines: ['going down'] });
      await hive.client.stopService({ fqn });
    },
  },
  {
    name: 'a stop sends the signal and waits for the end',
    run: async ({ hive, subject, service }) => {
      const fqn = await service(subject.runner(`trap 'echo bye; exit 3' TERM; echo up; ${forever}`), { stop: { grace: '10s' } });
      await hive.serviceWhen(fqn, ({ state }) => state === 'running');
      await said(hive, fqn, 'up');
      const began = performance.now();
      await hive.client.stopService({ fqn });
      const { instances } = await hive.serviceWhen(fqn, isStopped);
      expect(performance.now() - began).toBeLessThan(3_000);
      expect(instances[0]?.lastExit).toMatchObject({ code: 3 });
      await said(hive, fqn, 'bye');
    },
  },
  {
    name: 'what ignores the signal is killed after the grace, and nothing of it is left',
    run: async ({ hive, subject, service }) => {
      const fqn = await service(subject.runner(`trap '' TERM; echo up; ${forever}`), { stop: { grace: '500ms' } });
      await hive.serviceWhen(fqn, ({ state }) => state === 'running');
      await said(hive, fqn, 'up');
      const began = performance.now();
      await hive.client.stopService({ fqn });
      const { instances } = await hive.serviceWhen(fqn, isStopped);
      const tookMs = performance.now() - began;
      expect(tookMs).toBeGreaterThan(450);
      expect(tookMs).toBeLessThan(2_500);
      expect(instances[0]?.lastExit).toMatchObject(subject.killed);
      await until(() => (subject.there(hive).length === 0 ? true : undefined), 'nothing to be left', 5_000);
    },
  },
  {
    name: 'the environment is what the service says, and who it is',
    run: async ({ hive, subject, service }) => {
      const fqn = await service(subject.runner(`echo "$GREETING|$HIVE_SERVICE_FQN|$HIVE_INSTANCE|$PORT"; ${forever}`), {
        ...ports(), ...quickStop, environment: { static: { GREETING: 'hello $world "quoted"' } },
      });
      const { ports: { http } } = oneOf(await hive.serviceWhen(fqn, isRunning));
      await said(hive, fqn, `hello $world "quoted"|${fqn}|1|${http}`);
    },
  },
  {
    name: 'ports answer, and checks look at them',
    run: async ({ hive, subject, service }) => {
      const fqn = await service(subject.runner(subject.server(hive), { http: true }), {
        ...ports(), ...quickStop, healthcheck: [{ type: 'http', http: { port: 'http', path: '/', interval: '100ms' } }, { type: 'tcp', tcp: { port: 'http', interval: '100ms' } }],
      });
      const { ports: { http } } = oneOf(await hive.serviceWhen(fqn, ({ healthy }) => healthy === true));
      expect((await (await fetch(`http://${subject.host ?? '127.0.0.1'}:${http}/`)).text()).trim()).toBe('1');
    },
  },
  {
    name: 'a check by a command sees what the service sees',
    run: async ({ hive, subject, service }) => {
      const file = subject.privateFile(hive, 'ready');
      const fqn = await service(subject.runner(`sleep 0.5; touch ${file}; ${forever}`), {
        ...quickStop, healthcheck: { type: 'cmd', cmd: { command: `test -e ${file} && echo ready || { echo not yet; exit 9; }`, interval: '100ms', retries: 100 } },
      });
      await hive.serviceWhen(fqn, ({ healthy }) => healthy === true);
      const { events } = await hive.client.listEvents({ types: ['service.healthChanged'], services: [fqn] });
      expect(events).toMatchObject([{ healthy: true, detail: 'the command exited with 0: ready' }]);
    },
  },
  {
    name: 'a check by a command that does not end is killed, and fails',
    run: async ({ hive, subject, service }) => {
      const fqn = await service(subject.runner(forever), { ...quickStop, healthcheck: { type: 'cmd', cmd: { command: 'exec sleep 4711', interval: '100ms', timeout: '300ms', retries: 1 } } });
      await hive.serviceWhen(fqn, ({ healthy }) => healthy === false);
      expect((await hive.service(fqn)).reason).toContain('did not end within 300 ms and was killed');
      await hive.client.stopService({ fqn });
      await hive.serviceWhen(fqn, isStopped);
    },
  },
  {
    name: 'use of processor and memory is told',
    run: async ({ hive, subject, service }) => {
      const fqn = await service(subject.runner('while :; do :; done'), quickStop);
      await hive.serviceWhen(fqn, isRunning);
      const usage = await until(async () => {
        const { stats } = await hive.client.getStats({ fqn });
        return stats[0] !== undefined && stats[0].cpu > 0.1 ? stats[0] : undefined;
      }, 'a busy loop to show');
      expect(usage.memoryBytes).toBeGreaterThan(10_000);
      expect(usage.uptimeMs).toBeGreaterThan(0);
      expect(usage.threads).toBeGreaterThanOrEqual(1);
      await hive.client.stopService({ fqn });
    },
  },
  {
    name: 'it outlives a killed daemon, with every line of its log, and is adopted within 2 s',
    run: async ({ hive, subject, service }) => {
      const fqn = await service(subject.runner(`i=0; while :; do i=$((i+1)); echo "line $i"; echo "line $i" >&2; sleep 0.01; done`), quickStop);
      const before = oneOf(await hive.serviceWhen(fqn, isRunning));
      for (let kills = 0; kills < 3; kills += 1) {
        await said(hive, fqn, 'line');
        await hive.kill();
        await hive.start();
        // It has adopted everything before it says that it is ready.
        const after = oneOf(await hive.service(fqn));
        expect(after.state).toBe('running');
        expect(hive.readyAfterMs()).toBeLessThan(2_000);
        expect({ pid: after.pid, container: after.containerId, restarts: after.restarts }).toEqual({ pid: before.pid, container: before.containerId, restarts: 0 });
      }
      await hive.client.stopService({ fqn });
      await hive.serviceWhen(fqn, isStopped);
      for (const stream of ['stdout', 'stderr'] as const) {
        const { lines } = await hive.client.getLogs({ fqn, lines: 100_000, stream });
        expect(lines.map(({ message }) => message)).toEqual(lines.map((_, index) => `line ${index + 1}`));
        expect(lines.length).toBeGreaterThan(20);
      }
    },
  },
  {
    name: 'an end while no daemon was there is told exactly, with what was written meanwhile',
    run: async ({ hive, subject, service }) => {
      const fqn = await service(subject.runner('echo up; sleep 1; echo last words >&2; exit 5'), { restart: 'never' });
      await said(hive, fqn, 'up');
      await hive.kill();
      await until(() => (subject.there(hive).some((one) => one.includes('running')) ? undefined : true), 'its end', 10_000);
      await hive.start();
      const { instances, reason } = await hive.serviceWhen(fqn, ({ state }) => state === 'failed');
      expect(instances[0]?.lastExit).toMatchObject({ code: 5, signal: null });
      expect(reason).toContain('exited with code 5');
      await said(hive, fqn, 'last words');
    },
  },
  {
    name: 'never two incarnations, not even without state.db',
    run: async ({ hive, subject, service }) => {
      const fqn = await service(subject.runner(`echo up; ${forever}`), quickStop);
      const before = oneOf(await hive.serviceWhen(fqn, isRunning));
      await hive.kill();
      hive.forgetState();
      await hive.start();
      await hive.client.addSource({ path: hive.sourceFolder(fqn.split(':')[0] ?? ''), name: fqn.split(':')[0] ?? '' });
      const after = oneOf(await hive.serviceWhen(fqn, isRunning));
      expect({ pid: after.pid, container: after.containerId }).toEqual({ pid: before.pid, container: before.containerId });
      expect(subject.there(hive).filter((one) => one.includes(fqn))).toHaveLength(1);
    },
  },
  {
    name: 'blue-green and rolling deploys run by the same steps',
    run: async ({ hive, subject, service }) => {
      const check = { healthcheck: { type: 'tcp', tcp: { port: 'http', interval: '100ms' } }, ...quickStop };
      const green = await service(subject.runner(subject.server(hive), { http: true }), {
        ...check, proxy: { host: 'green.test', path: '/' }, rollout: { type: 'blue-green', 'blue-green': { ports: { http: { blue: 'auto', green: 'auto' } }, healthy_duration: '100ms' } },
      });
      const rolling = await service(subject.runner(subject.server(hive), { http: true }), { ...check, instances: 2, rollout: { type: 'rolling', rolling: { ports: { http: 'auto' } } } });
      for (const fqn of [green, rolling]) {
        const before = (await hive.serviceWhen(fqn, allHealthy)).instances.map(placeOf);
        await hive.client.deployService({ fqn });
        await hive.client.waitForService({ fqn, for: 'deployed', timeoutMs: 20_000 }, { deadlineMs: 25_000 });
        const after = await hive.serviceWhen(fqn, allHealthy);
        expect(after.instances).toHaveLength(before.length);
        expect(after.instances.map(placeOf).filter((place) => before.includes(place))).toEqual([]);
      }
      expect((await hive.service(green)).instances.map(({ id }) => id)).toEqual([`${green}#2`]);
    },
  },
  {
    name: 'instances are scaled up and down',
    run: async ({ hive, subject, service }) => {
      const fqn = await service(subject.runner(subject.server(hive), { http: true }), { ...ports(), ...quickStop, healthcheck: { type: 'tcp', tcp: { port: 'http', interval: '100ms' } } });
      await hive.client.scaleService({ fqn, instances: 3 });
      const { instances } = await hive.serviceWhen(fqn, (one) => one.instances.length === 3 && allHealthy(one));
      const answers = await Promise.all(instances.map(async (one) => (await (await fetch(`http://${subject.host ?? '127.0.0.1'}:${one.ports['http']}/`)).text()).trim()));
      expect(answers.sort()).toEqual(['1', '2', '3']);
      await hive.client.scaleService({ fqn, instances: 1 });
      await hive.serviceWhen(fqn, (one) => one.instances.length === 1);
      await until(() => (subject.there(hive).filter((one) => one.includes(fqn)).length === 1 ? true : undefined), 'the others to go');
    },
  },
  {
    name: 'a command is run to its end as a step of a hook, and its exit code counts',
    run: async ({ hive, subject, service }) => {
      const step = (program: string) => ({ runner: subject.runner(program) });
      const good = await service(subject.runner(`echo up; ${forever}`), { ...quickStop, hooks: { 'pre-up': [step('echo "before $HIVE_SERVICE_NAME at $HIVE_HOOK_EVENT"')] } });
      await hive.serviceWhen(good, isRunning);
      const { lines } = await hive.client.getLogs({ fqn: good, lines: 50, stream: 'hook' });
      expect(lines.map(({ message }) => message).join('\n')).toContain(`before ${good.split(':')[1]} at pre-up`);
      const bad = await service(subject.runner(forever), { ...quickStop, hooks: { 'pre-up': [step('echo "no such table" >&2; exit 3')] } });
      const { reason } = await hive.serviceWhen(bad, ({ state }) => state === 'failed');
      expect(reason).toContain('exited with code 3');
      expect(reason).toContain('no such table');
      const slow = await service(subject.runner(forever), { ...quickStop, hooks: { 'pre-up': [{ ...step('sleep 4711'), timeout: '500ms' }] } });
      expect((await hive.serviceWhen(slow, ({ state }) => state === 'failed')).reason).toMatch(/500 ms/);
      await until(() => (subject.there(hive).every((one) => one.includes(good)) ? true : undefined), 'nothing of the hooks to be left');
    },
  },
  {
    name: 'a secret of the environment is in no command line and no label',
    run: async ({ hive, subject, service }) => {
      const fqn = await service(subject.runner(`echo "length \${#SECRET}"; ${forever}`), { ...quickStop, environment: { static: { SECRET: 'a-planted-secret-4711' } } });
      await said(hive, fqn, 'length 21');
      expect(subject.shownToOthers(hive)).toContain(fqn.split(':')[1]);
      expect(subject.shownToOthers(hive)).not.toContain('a-planted-secret-4711');
    },
  },
];

function isRunning({ state }: Service): boolean {
  return state === 'running';
}

function isStopped({ state }: Service): boolean {
  return state === 'stopped';
}

function allHealthy({ instances, state }: Service): boolean {
  return state === 'running' && instances.every(({ healthy }) => healthy === true);
}

function oneOf({ instances }: Service): Service['instances'][number] {
  const [instance] = instances;
  if (instance === undefined) throw new Error('The service has no instance.');
  return instance;
}

function placeOf({ pid, containerId }: Service['instances'][number]): string {
  return containerId ?? String(pid);
}

/** Waits for a line that contains this. */
async function said(hive: TestHive, fqn: string, what: string): Promise<void> {
  await until(async () => ((await hive.client.getLogs({ fqn, lines: 50 })).lines.some(({ message }) => message.includes(what)) ? true : undefined), `${fqn} to say "${what}"`);
}

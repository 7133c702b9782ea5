import { describe, expect, it } from '@jest/globals';
import type { InstanceEvent } from '../../daemon/reconciler/instance-event.js';
import type { InstanceState } from '../../daemon/reconciler/instance-state.js';
import { noHistory, type RestartHistory } from '../../daemon/reconciler/restart-policy.js';
import type { Effect, Step, StepContext } from '../../daemon/reconciler/step.js';
import { decide } from '../../daemon/reconciler/transitions.js';
import type { ExitResult, RunningInstance } from '../../daemon/runner/runner.js';
import type { RestartPolicy } from '../../shared/config/service-spec.js';
import { seededRandom } from '../support/seeded-random.js';

const ref = { source: 'default', service: 'web', number: 1 };
const processOf = (incarnation: string): RunningInstance => ({ ref, incarnation, pid: 100, startedAt: new Date(0) });

/** The reconciler with a pretended world around it: steps are applied, effects are answered in any order. */
class World {
  state: InstanceState = { kind: 'stopped' };
  history: RestartHistory = noHistory;
  wanted: 'up' | 'down' = 'down';
  nowMs = 0;
  readonly events: string[] = [];
  readonly effects: Effect[] = [];
  /** Incarnations that are alive, or about to be. */
  readonly alive = new Set<string>();
  private made = 0;

  constructor(private readonly policy: RestartPolicy) {}

  post(event: InstanceEvent): Step | 'ignore' {
    const context: StepContext = {
      service: 'default:web', instance: 'default:web#1', wanted: this.wanted, nowMs: this.nowMs, history: this.history,
      restart: { policy: this.policy, delayMs: 1_000, maxDelayMs: 8_000, windowMs: 10_000, maxRestarts: null },
      nextIncarnation: `life-${this.made}`,
    };
    const step = decide(this.state, event, context);
    if (step === 'ignore') return step;
    if (step.next.kind === 'starting' && step.effects.some((effect) => effect.do === 'launch')) this.made += 1;
    this.state = step.next;
    this.history = step.history;
    this.events.push(...step.events.map((one) => one.type));
    this.effects.push(...step.effects);
    return step;
  }

  want(wanted: 'up' | 'down'): void {
    this.wanted = wanted;
    this.post(wanted === 'up' ? { kind: 'start', why: 'test' } : { kind: 'stop' });
  }
}

const exits: ExitResult[] = [{ kind: 'code', code: 0 }, { kind: 'code', code: 1 }, { kind: 'signal', signal: 'SIGKILL' }, { kind: 'unknown', reason: 'test' }];

describe('transitions', () => {
  it('goes from stopped to running by way of the gate, and back', () => {
    const world = new World('always');
    world.want('up');
    expect(world.state.kind).toBe('waiting');
    world.post({ kind: 'gateOpened', mustBuild: false });
    expect(world.state).toMatchObject({ kind: 'starting', incarnation: 'life-0' });
    world.post({ kind: 'launched', process: processOf('life-0') });
    expect(world.state.kind).toBe('running');
    world.want('down');
    expect(world.effects.at(-1)).toMatchObject({ do: 'stop' });
    world.post({ kind: 'gone', incarnation: 'life-0', exit: { kind: 'signal', signal: 'SIGTERM' } });
    expect(world.state.kind).toBe('stopped');
    expect(world.events).toEqual(['service.starting', 'service.started', 'service.stopped']);
  });

  it('lets a stop that arrives during a launch win', () => {
    const world = new World('always');
    world.want('up');
    world.post({ kind: 'gateOpened', mustBuild: false });
    world.want('down');
    expect(world.state).toMatchObject({ kind: 'stopping', launching: true });
    world.post({ kind: 'launched', process: processOf('life-0') });
    expect(world.effects.at(-1)).toMatchObject({ do: 'stop', process: { incarnation: 'life-0' } });
    world.post({ kind: 'gone', incarnation: 'life-0', exit: { kind: 'signal', signal: 'SIGTERM' } });
    expect(world.state.kind).toBe('stopped');
  });

  it('lets a stop that arrives during a backoff win', () => {
    const world = new World('always');
    world.want('up');
    world.post({ kind: 'gateOpened', mustBuild: false });
    world.post({ kind: 'launched', process: processOf('life-0') });
    world.post({ kind: 'exited', incarnation: 'life-0', exit: { kind: 'code', code: 1 }, uptimeMs: 5, lastLines: [] });
    expect(world.state.kind).toBe('backoff');
    world.want('down');
    expect(world.state.kind).toBe('stopped');
    expect(world.post({ kind: 'backoffOver' })).toBe('ignore');
  });

  it('does not start what is wanted down because of an order that was given before', () => {
    const world = new World('always');
    world.want('up');
    world.want('down');
    expect(world.state.kind).toBe('stopped');
    expect(world.post({ kind: 'restart', why: 'its configuration changed' })).toBe('ignore');
    expect(world.post({ kind: 'start', why: 'it is being rolled out' })).toBe('ignore');
  });

  it('starts again after a stop that a start overtook', () => {
    const world = new World('never');
    world.want('up');
    world.post({ kind: 'gateOpened', mustBuild: false });
    world.post({ kind: 'launched', process: processOf('life-0') });
    world.want('down');
    world.want('up');
    world.post({ kind: 'gone', incarnation: 'life-0', exit: { kind: 'signal', signal: 'SIGTERM' } });
    expect(world.state.kind).toBe('waiting');
  });

  it('ignores what comes late from an earlier incarnation', () => {
    const world = new World('always');
    world.want('up');
    world.post({ kind: 'gateOpened', mustBuild: false });
    world.post({ kind: 'launched', process: processOf('life-0') });
    expect(world.post({ kind: 'exited', incarnation: 'an-older-life', exit: { kind: 'code', code: 1 }, uptimeMs: 5, lastLines: [] })).toBe('ignore');
    expect(world.post({ kind: 'verdict', incarnation: 'an-older-life', healthy: false, check: 'http', detail: '', uptimeMs: 5 })).toBe('ignore');
    expect(world.state.kind).toBe('running');
  });

  it('restarts an unhealthy service by its policy, and leaves it with policy never', () => {
    for (const [policy, kind] of [['always', 'stopping'], ['never', 'running']] as const) {
      const world = new World(policy);
      world.want('up');
      world.post({ kind: 'gateOpened', mustBuild: false });
      world.post({ kind: 'launched', process: processOf('life-0') });
      world.post({ kind: 'verdict', incarnation: 'life-0', healthy: false, check: 'http', detail: '503', uptimeMs: 50_000 });
      expect(world.state.kind).toBe(kind);
    }
  });

  it('names the survivors of a stop that failed, and can stop once more', () => {
    const world = new World('always');
    world.want('up');
    world.post({ kind: 'gateOpened', mustBuild: false });
    world.post({ kind: 'launched', process: processOf('life-0') });
    world.want('down');
    world.post({ kind: 'stopFailed', incarnation: 'life-0', process: processOf('life-0'), why: 'pid 7 survived', survivors: [7] });
    expect(world.state).toMatchObject({ kind: 'failed', code: 'STOP_FAILED', survivors: [7] });
    world.want('down');
    expect(world.state.kind).toBe('stopping');
  });

  // A thousand random lives: whatever happens in whatever order, the promises about order and number hold.
  it.each(['never', 'on-failure', 'always', 'unless-stopped'] as const)('keeps its promises through random histories with policy %s', (policy) => {
    const random = seededRandom(policy.length);
    for (let life = 0; life < 250; life += 1) playRandomLife(new World(policy), random);
  });
});

function playRandomLife(world: World, random: () => number): void {
  const pick = <T>(from: readonly T[]): T => from[Math.floor(random() * from.length)] as T;
  for (let turn = 0; turn < 80; turn += 1) {
    world.nowMs += Math.floor(random() * 2_000);
    if (random() < 0.25) world.want(pick(['up', 'down']));
    else if (random() < 0.1) world.post({ kind: 'restart', why: 'test' });
    else if (world.effects.length > 0) answer(world, random, pick);
    else if (world.state.kind === 'running') {
      const { incarnation } = world.state.process;
      if (random() < 0.5) {
        world.alive.delete(incarnation);
        world.post({ kind: 'exited', incarnation, exit: pick(exits), uptimeMs: random() * 20_000, lastLines: [] });
      } else world.post({ kind: 'verdict', incarnation, healthy: random() < 0.5, check: 'tcp', detail: 'test', uptimeMs: 100 });
    }
    expect(world.alive.size).toBeLessThanOrEqual(1);
  }
  // Whatever is still under way comes to its end; then what is wanted is what is.
  world.want('down');
  for (let guard = 0; world.effects.length > 0 && guard < 100; guard += 1) answer(world, () => 0.9, pick);
  expect(['stopped', 'failed', 'completed']).toContain(world.state.kind);
  expect(world.alive.size).toBe(0);
  expect(world.events.filter((type) => type !== 'service.failed' && type !== 'service.completed').join(' ')).toMatch(orderPromise);
}

/** starting < started < (healthChanged)* < stopped|crashed; a launch that fails has no started; `completed` ends a run too. */
const orderPromise = /^(service\.starting( service\.started( service\.healthChanged)*)?( service\.(stopped|crashed))? ?)*$/;

/** Does the oldest effect as the supervisor would, and posts what comes of it. */
function answer(world: World, random: () => number, pick: <T>(from: readonly T[]) => T): void {
  const effect = world.effects.shift();
  if (effect === undefined) return;
  switch (effect.do) {
    case 'checkGate':
      return void world.post(random() < 0.8 ? { kind: 'gateOpened', mustBuild: random() < 0.2 } : { kind: 'gateClosed', on: 'waiting for db', blocked: false });
    case 'build':
      return void world.post(random() < 0.8 ? { kind: 'built' } : { kind: 'buildFailed', why: 'test' });
    case 'launch':
      if (random() < 0.15) return void world.post({ kind: 'launchFailed', why: 'test', code: 'SPAWN_FAILED' });
      if (random() < 0.1) return void world.post({ kind: 'heldBack', incarnation: effect.incarnation });
      world.alive.add(effect.incarnation);
      return void world.post({ kind: 'launched', process: processOf(effect.incarnation) });
    case 'stop':
      world.alive.delete(effect.process.incarnation);
      return void world.post({ kind: 'gone', incarnation: effect.process.incarnation, exit: pick(exits) });
    case 'wakeAfter':
      return void world.post({ kind: 'backoffOver' });
    case 'abortBuild':
    case 'cancelWake':
    case 'forget':
    case 'sweep':
    case 'renewReplicas':
      return;
  }
}

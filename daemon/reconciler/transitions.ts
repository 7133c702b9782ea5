import type { ExitResult } from '../runner/runner.js';
import type { InstanceEvent, EventKind, EventOf } from './instance-event.js';
import type { InstanceState, StateKind, StateOf } from './instance-state.js';
import type { Effect, Step, StepContext } from './step.js';
import { healthByCluster, healthOfAll, replicaEvents, stoppedOnPurpose, replicaName, verdictsOnPresent } from './replicas.js';
import {
  enterBuilding, enterFailed, enterRunning, enterStarting, enterStopped, enterStopping, enterStoppingLaunch, enterWaiting,
  enterWhatPolicySays, started, stopped,
} from './enter.js';

type Cell<S extends StateKind, E extends EventKind> = 'ignore' | ((state: StateOf<S>, event: EventOf<E>, context: StepContext) => Step | 'ignore');
type Table = { readonly [S in StateKind]: { readonly [E in EventKind]: Cell<S, E> } };

/** Events that belong to an incarnation; in a state without one they are late news of an earlier one. */
const noIncarnation = {
  launched: 'ignore', launchFailed: 'ignore', heldBack: 'ignore', exited: 'ignore', moved: 'ignore', gone: 'ignore', stopFailed: 'ignore', verdict: 'ignore',
  replicaVerdict: 'ignore',
} as const;
const noGate = { gateOpened: 'ignore', gateClosed: 'ignore' } as const;
const noBuild = { built: 'ignore', buildFailed: 'ignore' } as const;

/** Every event in every state is one cell; a cell that is missing does not compile. */
const table: Table = {
  stopped: {
    start: (_state, _event, context) => unlessWantedDown(context),
    restart: (_state, _event, context) => unlessWantedDown(context),
    stop: 'ignore', backoffOver: 'ignore', giveUp: 'ignore', ...noGate, ...noBuild, ...noIncarnation,
  },

  waiting: {
    start: (_state, _event, context) => enterWaiting(context),
    restart: (_state, _event, context) => enterWaiting(context),
    stop: (_state, _event, context) => enterStopped(context),
    gateOpened: (state, event, context) => (event.mustBuild ? enterBuilding(context) : enterStarting(context, state.why)),
    gateClosed: (state, event, context) =>
      state.on === event.on && state.blocked === event.blocked
        ? 'ignore'
        : { next: { ...state, on: event.on, blocked: event.blocked }, history: context.history, effects: [], events: [], restarted: false },
    giveUp: (_state, event, context) => enterFailed(context, event),
    backoffOver: 'ignore', ...noBuild, ...noIncarnation,
  },

  building: {
    stop: (_state, _event, context) => enterStopped(context, { effects: [{ do: 'abortBuild' }] }),
    restart: (_state, _event, context) => enterWaiting(context, { effects: [{ do: 'abortBuild' }] }),
    built: (_state, _event, context) => enterStarting(context, 'its build is done'),
    buildFailed: (_state, event, context) => enterFailed(context, { why: event.why, code: 'BUILD_FAILED' }),
    giveUp: (_state, event, context) => enterFailed(context, event, { effects: [{ do: 'abortBuild' }] }),
    start: 'ignore', backoffOver: 'ignore', ...noGate, ...noIncarnation,
  },

  starting: {
    stop: (state, _event, context) => enterStoppingLaunch(context, state.incarnation, { kind: 'down' }),
    restart: (state, event, context) => enterStoppingLaunch(context, state.incarnation, { kind: 'restart', why: event.why }),
    launched: (state, event, context) => (event.process.incarnation === state.incarnation ? enterRunning(context, event.process) : 'ignore'),
    launchFailed: (_state, event, context) =>
      enterWhatPolicySays(context, {
        exit: { kind: 'unknown', reason: 'it could not be started' }, uptimeMs: 0, lastLines: [], diagnosis: event.why, code: event.code,
        how: 'could not be started', neverRan: true,
      }),
    heldBack: (state, event, context) => (event.incarnation === state.incarnation ? enterWaiting(context, { history: context.history }) : 'ignore'),
    giveUp: (state, event, context) => enterStoppingLaunch(context, state.incarnation, event),
    start: 'ignore', exited: 'ignore', moved: 'ignore', gone: 'ignore', stopFailed: 'ignore', verdict: 'ignore', replicaVerdict: 'ignore', backoffOver: 'ignore', ...noGate, ...noBuild,
  },

  running: {
    stop: (state, _event, context) => enterStopping(context, state.process, { kind: 'down' }),
    restart: (state, event, context) => enterStopping(context, state.process, { kind: 'restart', why: event.why }),
    exited: (state, event, context) => {
      if (event.incarnation !== state.process.incarnation) return 'ignore';
      const effects: Effect[] = [{ do: 'sweep', process: state.process }, ...forgetting(event.incarnation)];
      // Only a daemon that comes up finds this: the instance ended while nobody watched, after it was wanted down.
      return context.wanted === 'down' ? enterStopped(context, { events: [stopped(context, event.exit)], effects }) : enterWhatPolicySays(context, event, { effects });
    },
    moved: (state, event, context) => {
      const { process } = event;
      if (process.incarnation !== state.process.incarnation) return 'ignore';
      const events = replicaEvents(context, state.process, process);
      if (process.replicas === undefined) return { next: { ...state, process }, history: context.history, effects: [], events, restarted: false };
      const replicas = verdictsOnPresent(process.replicas, state.replicas ?? {});
      const health = healthOfAll(process.replicas, replicas, state);
      // Checks of Hive's have told it themselves, replica by replica.
      const told = Object.keys(replicas).length > 0 || health.healthy === null || health.healthy === state.healthy ? [] : [healthByCluster(context, health.healthy)];
      return { next: { ...state, process, replicas, ...health }, history: context.history, effects: [], events: [...events, ...told], restarted: Object.values(process.replicas.ended).some((why) => why !== stoppedOnPurpose) };
    },
    replicaVerdict: (state, event, context) => {
      const { process } = state;
      const replica = process.replicas?.present.find(({ id }) => id === event.replica);
      if (event.incarnation !== process.incarnation || process.replicas === undefined || replica === undefined) return 'ignore';
      const replicas = { ...state.replicas, [event.replica]: { healthy: event.healthy, detail: event.detail } };
      const health = healthOfAll(process.replicas, replicas, state);
      const changed = {
        type: 'service.healthChanged', service: context.service, instance: replicaName(context.service, replica),
        healthy: event.healthy, check: event.check, detail: event.detail,
      } as const;
      // Not by a stop: where all were on a node that is lost, nobody there could be stopped, and the cluster heals it.
      const effects: Effect[] = health.healthy === false && state.healthy !== false && context.restart.policy !== 'never' ? [{ do: 'renewReplicas', process }] : [];
      return { next: { ...state, replicas, ...health }, history: context.history, effects, events: [changed], restarted: false };
    },
    verdict: (state, event, context) => {
      if (event.incarnation !== state.process.incarnation || event.healthy === state.healthy) return 'ignore';
      const changed = {
        type: 'service.healthChanged', service: context.service, instance: context.instance,
        healthy: event.healthy, check: event.check, detail: event.detail,
      } as const;
      if (!event.healthy && context.restart.policy !== 'never') {
        return enterStopping(context, state.process, { kind: 'unhealthy', detail: event.detail, uptimeMs: event.uptimeMs }, { events: [changed] });
      }
      return { next: { ...state, healthy: event.healthy, detail: event.detail }, history: context.history, effects: [], events: [changed], restarted: false };
    },
    giveUp: (state, event, context) => enterStopping(context, state.process, event),
    start: 'ignore', launched: 'ignore', launchFailed: 'ignore', heldBack: 'ignore', gone: 'ignore', stopFailed: 'ignore', backoffOver: 'ignore', ...noGate, ...noBuild,
  },

  stopping: {
    start: (state, event, context) =>
      state.purpose.kind === 'down' || state.purpose.kind === 'giveUp' ? withPurpose(state, context, { kind: 'restart', why: event.why }) : 'ignore',
    restart: (state, event, context) => withPurpose(state, context, { kind: 'restart', why: event.why }),
    stop: (state, _event, context) => withPurpose(state, context, { kind: 'down' }),
    giveUp: (state, event, context) => (state.purpose.kind === 'down' ? 'ignore' : withPurpose(state, context, event)),
    launched: (state, event, context) =>
      event.process.incarnation === state.incarnation
        ? enterStopping(context, event.process, state.purpose, { events: [started(context, event.process)] })
        : 'ignore',
    launchFailed: (state, event, context) => afterStop(state, context, { kind: 'unknown', reason: event.why }, []),
    heldBack: (state, event, context) =>
      event.incarnation === state.incarnation && state.launching ? afterStop(state, context, { kind: 'unknown', reason: 'it was not launched' }, []) : 'ignore',
    gone: (state, event, context) =>
      event.incarnation === state.incarnation ? afterStop(state, context, event.exit, forgetting(event.incarnation)) : 'ignore',
    stopFailed: (state, event, context) =>
      event.incarnation === state.incarnation
        ? enterFailed(context, { why: event.why, code: 'STOP_FAILED', leftover: event.process, survivors: event.survivors })
        : 'ignore',
    exited: 'ignore', moved: 'ignore', verdict: 'ignore', replicaVerdict: 'ignore', backoffOver: 'ignore', ...noGate, ...noBuild,
  },

  backoff: {
    start: (_state, _event, context) => enterWaiting(context, { effects: [{ do: 'cancelWake' }] }),
    restart: (_state, _event, context) => enterWaiting(context, { effects: [{ do: 'cancelWake' }] }),
    stop: (_state, _event, context) => enterStopped(context, { effects: [{ do: 'cancelWake' }] }),
    backoffOver: (state, _event, context) => enterStarting(context, `it ${state.why}`),
    giveUp: (_state, event, context) => enterFailed(context, event, { effects: [{ do: 'cancelWake' }] }),
    ...noGate, ...noBuild, ...noIncarnation,
  },

  failed: {
    start: (state, event, context) => tryAgain(state, context, event.why),
    restart: (state, event, context) => tryAgain(state, context, event.why),
    stop: (state, _event, context) => (state.leftover === null ? enterStopped(context) : enterStopping(context, state.leftover, { kind: 'down' })),
    backoffOver: 'ignore', giveUp: 'ignore', ...noGate, ...noBuild, ...noIncarnation,
  },

  completed: {
    start: (_state, _event, context) => unlessWantedDown(context),
    restart: (_state, _event, context) => unlessWantedDown(context),
    stop: (_state, _event, context) => enterStopped(context),
    backoffOver: 'ignore', giveUp: 'ignore', ...noGate, ...noBuild, ...noIncarnation,
  },
};

/** The one door into a new state: what `event` leads to. `ignore`: it changes nothing here. */
export function decide(state: InstanceState, event: InstanceEvent, context: StepContext): Step | 'ignore' {
  const cell = table[state.kind][event.kind] as Cell<StateKind, EventKind>;
  return cell === 'ignore' ? 'ignore' : cell(state, event, context);
}

/** An order to start that was overtaken: a stop, or a scaling down, was asked for after it. */
function unlessWantedDown(context: StepContext): Step | 'ignore' {
  return context.wanted === 'down' ? 'ignore' : enterWaiting(context);
}

function withPurpose(state: StateOf<'stopping'>, context: StepContext, purpose: StateOf<'stopping'>['purpose']): Step {
  return { next: { ...state, purpose }, history: context.history, effects: [], events: [], restarted: false };
}

/** Nothing of the incarnation is left: on to what the stop was for. What is wanted by now outranks it. */
function afterStop(state: StateOf<'stopping'>, context: StepContext, exit: ExitResult, effects: readonly Effect[]): Step {
  const { purpose } = state;
  if (purpose.kind === 'unhealthy' && context.wanted === 'up') {
    return enterWhatPolicySays(
      context,
      { exit: { kind: 'unknown', reason: `it was stopped because it was unhealthy: ${purpose.detail}` }, uptimeMs: purpose.uptimeMs, lastLines: [], how: `was stopped because it was unhealthy: ${purpose.detail}` },
      { effects },
    );
  }
  const events = [stopped(context, exit)];
  if (purpose.kind === 'giveUp' && context.wanted === 'up') return enterFailed(context, purpose, { events, effects });
  return context.wanted === 'up' && purpose.kind === 'restart' ? enterWaiting(context, { events, effects }, purpose.why) : enterStopped(context, { events, effects });
}

function tryAgain(state: StateOf<'failed'>, context: StepContext, why: string): Step {
  return state.leftover === null ? enterWaiting(context) : enterStopping(context, state.leftover, { kind: 'restart', why });
}

function forgetting(incarnation: string): Effect[] {
  return [{ do: 'forget', incarnation }];
}

import type { PluginReport } from '../shared/protocol/link.js';
import type { PluginTimings } from '../shared/plugin/plugin-timings.js';
import { decideRestart } from './restart-policy.js';

/**
 * The life of a plugin as data: a closed union of stages, a closed union of happenings, and one cell of the table for
 * every pair. `nextStep` is the only way into a new stage; it is pure. supervised-plugin.ts does what the steps ask for.
 */
export interface Life {
  readonly wanted: boolean;
  /** How often its process was started again, for whatever reason. */
  readonly restarts: number;
  /** Consecutive runs that ended unasked before they were stable. */
  readonly unstableRuns: number;
  readonly at: Stage;
}

export type Stage =
  | { readonly stage: 'stopped' }
  /** Its link is being opened and its process started. */
  | { readonly stage: 'launching' }
  | { readonly stage: 'starting' }
  /** `since`: monotonic milliseconds. */
  | { readonly stage: 'ready'; readonly since: number }
  | { readonly stage: 'unresponsive'; readonly since: number }
  | { readonly stage: 'ending'; readonly why: EndReason; readonly readyForMs: number | null }
  | { readonly stage: 'backoff'; readonly reason: string }
  | { readonly stage: 'quarantined'; readonly reason: string }
  | { readonly stage: 'failed'; readonly reason: string };

export type EndReason =
  | { readonly kind: 'asked' }
  | { readonly kind: 'lostLink' }
  | { readonly kind: 'hopeless'; readonly reason: string }
  | { readonly kind: 'refused'; readonly reason: string };

export type Happening =
  | { readonly type: 'want' }
  | { readonly type: 'unwant' }
  /** A person asked for a restart, or the plugin's files changed: a fresh start, out of quarantine and failure too. */
  | { readonly type: 'renew' }
  | { readonly type: 'launched'; readonly pid: number }
  /** `permanent`: trying again cannot help. */
  | { readonly type: 'launchFailed'; readonly reason: string; readonly permanent: boolean }
  | { readonly type: 'ready' }
  | { readonly type: 'unresponsive' }
  | { readonly type: 'responsive' }
  | { readonly type: 'hopeless'; readonly reason: string }
  | { readonly type: 'linkClosed' }
  | { readonly type: 'refused'; readonly reason: string }
  /** Both null: how it ended is not known. */
  | { readonly type: 'exited'; readonly code: number | null; readonly signal: string | null }
  | { readonly type: 'backoffOver' };

export type Effect =
  | { readonly do: 'launch' }
  /** ask: with a `shutdown` request first. await: the link is gone, it has a moment to exit. kill: at once. */
  | { readonly do: 'end'; readonly how: 'ask' | 'await' | 'kill' }
  | { readonly do: 'wait'; readonly ms: number }
  | { readonly do: 'stopWaiting' }
  | { readonly do: 'journal'; readonly event: NonNullable<PluginReport['event']> };

export interface Step { readonly life: Life; readonly effects: readonly Effect[] }

export interface Circumstances {
  /** Monotonic, milliseconds. */
  readonly now: number;
  /** In [0, 1). */
  readonly random: number;
  readonly timings: PluginTimings;
}

type StageName = Stage['stage'];
type At<S extends StageName> = Life & { readonly at: Extract<Stage, { stage: S }> };
type Cell<S extends StageName, H extends Happening['type']> =
  (life: At<S>, happening: Extract<Happening, { type: H }>, circumstances: Circumstances) => Step;
type Table = { readonly [S in StageName]: { readonly [H in Happening['type']]: Cell<S, H> } };

const step = (life: Life, ...effects: Effect[]): Step => ({ life, effects });
const to = (life: Life, at: Stage, ...effects: Effect[]): Step => step({ ...life, at }, ...effects);

/** The happening belongs to a stage that is over, or changes nothing here. */
const ignore = (life: Life): Step => step(life);
const wish = (life: Life): Step => step({ ...life, wanted: true });
const unwish = (life: Life): Step => step({ ...life, wanted: false });

const launch = (life: Life): Step => to({ ...life, wanted: true }, { stage: 'launching' }, { do: 'launch' });
const relaunch = (life: Life): Step => launch({ ...life, restarts: life.restarts + 1 });
const stopped = (life: Life): Step => to({ ...life, wanted: false }, { stage: 'stopped' });
const slateWiped = (life: Life): Life => ({ ...life, wanted: true, unstableRuns: 0 });
const failed = (life: Life, reason: string): Step => to(life, { stage: 'failed', reason });

const readyFor = (life: Life, now: number): number | null =>
  life.at.stage === 'ready' || life.at.stage === 'unresponsive' ? now - life.at.since : null;

const end = (how: 'ask' | 'await' | 'kill', why: (happening: Happening) => EndReason) =>
  (life: Life, happening: Happening, { now }: Circumstances): Step =>
    to(life, { stage: 'ending', why: why(happening), readyForMs: readyFor(life, now) }, { do: 'end', how });

const endAsked = end('ask', () => ({ kind: 'asked' }));
const endLost = end('await', () => ({ kind: 'lostLink' }));
const endHopeless = end('kill', (happening) => ({ kind: 'hopeless', reason: happening.type === 'hopeless' ? happening.reason : '' }));
const endRefused = end('kill', (happening) => ({ kind: 'refused', reason: happening.type === 'refused' ? happening.reason : '' }));

const endUnwanted = (life: Life, happening: Happening, circumstances: Circumstances): Step =>
  endAsked({ ...life, wanted: false }, happening, circumstances);
const endToRenew = (life: Life, happening: Happening, circumstances: Circumstances): Step =>
  endAsked(slateWiped(life), happening, circumstances);

/** How an exit reads in a sentence about the plugin. */
export function describeExit(exit: { code: number | null; signal: string | null }): string {
  if (exit.signal !== null) return `ended by ${exit.signal}`;
  return exit.code === null ? 'ended, how is not known' : `exited with code ${exit.code}`;
}

interface Crash { code: number | null; signal: string | null; reason: string; readyForMs: number | null }

/** An end that nobody asked for: wait and try again, or give up. */
function crash(life: Life, crashed: Crash, { random, timings }: Circumstances): Step {
  const decision = decideRestart({ readyForMs: crashed.readyForMs, unstableRuns: life.unstableRuns }, timings, random);
  const counted = { ...life, unstableRuns: decision.unstableRuns };
  const event = { type: 'plugin.crashed', exitCode: crashed.code, signal: crashed.signal, reason: crashed.reason } as const;
  if (!life.wanted) return to(counted, { stage: 'stopped' }, { do: 'journal', event: { ...event, restartInMs: null } });
  if (decision.kind === 'restart') {
    return to(counted, { stage: 'backoff', reason: crashed.reason },
      { do: 'journal', event: { ...event, restartInMs: decision.delayMs } }, { do: 'wait', ms: decision.delayMs });
  }
  const reason = `It failed ${decision.unstableRuns} times in a row; the last time it ${crashed.reason}.`;
  return to(counted, { stage: 'quarantined', reason },
    { do: 'journal', event: { ...event, restartInMs: null } }, { do: 'journal', event: { type: 'plugin.quarantined', reason } });
}

const exitedUnasked = (life: Life, exit: Extract<Happening, { type: 'exited' }>, circumstances: Circumstances): Step =>
  crash(life, { ...exit, reason: describeExit(exit), readyForMs: readyFor(life, circumstances.now) }, circumstances);

/** The process whose end was wanted, for one reason or another, is gone. */
function ended(life: At<'ending'>, exit: Extract<Happening, { type: 'exited' }>, circumstances: Circumstances): Step {
  const { why, readyForMs } = life.at;
  switch (why.kind) {
    case 'asked': {
      const next = life.wanted ? relaunch(life) : stopped(life);
      return step(next.life, { do: 'journal', event: { type: 'plugin.stopped' } }, ...next.effects);
    }
    case 'lostLink':
      return crash(life, { ...exit, reason: describeExit(exit), readyForMs }, circumstances);
    case 'hopeless':
      return crash(life, { ...exit, reason: why.reason, readyForMs }, circumstances);
    case 'refused': {
      const next = life.wanted ? failed(life, why.reason) : stopped(life);
      const { code: exitCode, signal } = exit;
      return step(next.life, { do: 'journal', event: { type: 'plugin.crashed', exitCode, signal, restartInMs: null, reason: why.reason } });
    }
  }
}

function launched(life: Life, { pid }: { pid: number }, circumstances: Circumstances): Step {
  const begun = to(life, { stage: 'starting' }, { do: 'journal', event: { type: 'plugin.started', pid } });
  if (life.wanted) return begun;
  const endedAtOnce = endUnwanted(begun.life, { type: 'unwant' }, circumstances);
  return step(endedAtOnce.life, ...begun.effects, ...endedAtOnce.effects);
}

function launchFailed(life: Life, { reason, permanent }: { reason: string; permanent: boolean }, circumstances: Circumstances): Step {
  if (!life.wanted) return stopped(life);
  if (permanent) return failed(life, reason);
  return crash(life, { code: null, signal: null, reason: `could not be started: ${reason}`, readyForMs: null }, circumstances);
}

const becomeReady = (life: Life, _: unknown, { now }: Circumstances): Step => to(life, { stage: 'ready', since: now });

/** Nothing runs: what a link or a process says here comes from a run that is over. */
const nothingRuns = {
  launched: ignore, launchFailed: ignore, ready: ignore, unresponsive: ignore, responsive: ignore, hopeless: ignore,
  linkClosed: ignore, refused: ignore, exited: ignore,
} as const;

const table: Table = {
  stopped: { ...nothingRuns, want: launch, unwant: unwish, renew: (life) => launch(slateWiped(life)), backoffOver: ignore },
  launching: {
    want: wish, unwant: unwish, renew: (life) => step(slateWiped(life)), launched, launchFailed,
    ready: ignore, unresponsive: ignore, responsive: ignore, hopeless: ignore, linkClosed: ignore, refused: ignore, exited: ignore, backoffOver: ignore,
  },
  starting: {
    want: wish, unwant: endUnwanted, renew: endToRenew, launched: ignore, launchFailed: ignore,
    ready: becomeReady, unresponsive: ignore, responsive: ignore, hopeless: endHopeless, linkClosed: endLost, refused: endRefused,
    exited: exitedUnasked, backoffOver: ignore,
  },
  ready: {
    want: wish, unwant: endUnwanted, renew: endToRenew, launched: ignore, launchFailed: ignore,
    ready: ignore, unresponsive: (life) => to(life, { stage: 'unresponsive', since: life.at.since }), responsive: ignore,
    hopeless: endHopeless, linkClosed: endLost, refused: endRefused, exited: exitedUnasked, backoffOver: ignore,
  },
  unresponsive: {
    want: wish, unwant: endUnwanted, renew: endToRenew, launched: ignore, launchFailed: ignore,
    ready: ignore, unresponsive: ignore, responsive: (life) => to(life, { stage: 'ready', since: life.at.since }),
    hopeless: endHopeless, linkClosed: endLost, refused: endRefused, exited: exitedUnasked, backoffOver: ignore,
  },
  ending: {
    want: wish, unwant: unwish,
    renew: (life) => step({ ...slateWiped(life), at: { ...life.at, why: { kind: 'asked' } } }),
    launched: ignore, launchFailed: ignore, ready: ignore, unresponsive: ignore, responsive: ignore, hopeless: ignore, linkClosed: ignore, refused: ignore,
    exited: ended, backoffOver: ignore,
  },
  backoff: {
    ...nothingRuns, want: wish,
    unwant: (life) => { const next = stopped(life); return step(next.life, { do: 'stopWaiting' }); },
    renew: (life) => { const next = relaunch(slateWiped(life)); return step(next.life, { do: 'stopWaiting' }, ...next.effects); },
    backoffOver: relaunch,
  },
  quarantined: { ...nothingRuns, want: wish, unwant: unwish, renew: (life) => relaunch(slateWiped(life)), backoffOver: ignore },
  failed: { ...nothingRuns, want: wish, unwant: stopped, renew: (life) => relaunch(slateWiped(life)), backoffOver: ignore },
};

/** One happening: the life that follows and what is to be done about it. */
export function nextStep(life: Life, happening: Happening, circumstances: Circumstances): Step {
  // The table pairs each cell with exactly this stage and happening; TypeScript cannot follow a lookup by two unions.
  const cell = table[life.at.stage][happening.type] as (life: Life, happening: Happening, circumstances: Circumstances) => Step;
  return cell(life, happening, circumstances);
}

/** What the plugin list shows. */
export function describeLife(life: Life): { state: PluginReport['state']; reason: string } {
  switch (life.at.stage) {
    case 'stopped': return { state: 'stopped', reason: 'It is not wanted.' };
    case 'launching': return { state: 'starting', reason: 'Its process is being started.' };
    case 'starting': return { state: 'starting', reason: 'It has not said yet that it is ready.' };
    case 'ready': return { state: 'ready', reason: 'It runs.' };
    case 'unresponsive': return { state: 'unresponsive', reason: 'It does not answer pings.' };
    case 'ending': return life.wanted ? { state: 'starting', reason: 'It is being ended to start anew.' } : { state: 'stopped', reason: 'It is being ended.' };
    case 'backoff': return { state: 'backoff', reason: `It ${life.at.reason} and will be started again soon.` };
    case 'quarantined': return { state: 'quarantined', reason: life.at.reason };
    case 'failed': return { state: 'failed', reason: life.at.reason };
  }
}

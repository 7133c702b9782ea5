import type { HealthCheckSpec } from '../../shared/config/service-spec.js';
import { instanceKey, type InstanceRef } from '../runner/runner.js';
import { DueQueue, type Due } from './due-queue.js';
import { firstProbeDelayMs, nextProbeDelayMs } from './probe-schedule.js';
import { describeCheck, probe, type ProbeTarget } from './probe.js';
import type { ProbeResult } from './probe-result.js';
import { afterProbe, combineVerdicts, freshHistory, type CheckHistory, type Verdict } from './verdict.js';

export interface HealthVerdict {
  readonly healthy: boolean;
  /** The check that turned it, in a few words. */
  readonly check: string;
  /** Why, in words for the operator: `connection refused on 127.0.0.1:8012`. */
  readonly detail: string;
}

export interface WatchedInstance {
  readonly ref: InstanceRef;
  /** With every template filled in. Without a check there is never a verdict. */
  readonly checks: readonly HealthCheckSpec[];
  /** Port numbers by name. */
  readonly ports: Readonly<Record<string, number>>;
  /** The service's environment: the whole environment of a check command. */
  readonly environment: Readonly<Record<string, string>>;
  /** When this incarnation started, on the monitor's clock. */
  readonly startedAtMonotonicMs: number;
  readonly endpoints?: ProbeTarget['endpoints'];
  readonly exec?: ProbeTarget['exec'];
  /** The address of the ports; 127.0.0.1 by default. */
  readonly host?: string;
  /** The last verdict on this very incarnation, where an earlier daemon left one: it is not told again. Null by default. */
  readonly knownHealthy?: boolean | null;
}

export interface HealthMonitorOptions {
  /** Called when the verdict on an instance changes, the first time included. */
  readonly onVerdict: (ref: InstanceRef, verdict: HealthVerdict) => void;
  /** Monotonic milliseconds; those since boot (CLOCK_MONOTONIC) by default, which every process of the machine shares. */
  readonly clock?: () => number;
  readonly random?: () => number;
}

/** So many checks are under way at once; a command is a process, a connection only a descriptor. */
const mostConnections = 64;
const mostCommands = 8;
/** A probe that took this much longer than its timeout was delayed by us, not by the service. */
const ownDelayMs = 500;

interface Watch {
  readonly instance: WatchedInstance;
  readonly target: ProbeTarget;
  readonly checks: Check[];
  readonly ended: AbortController;
  verdict: Verdict;
}

interface Check extends Due {
  readonly watch: Watch;
  readonly spec: HealthCheckSpec;
  history: CheckHistory;
  lastDetail: string | null;
}

/**
 * Makes the health checks of all running instances and tells when a verdict changes. One schedule serves all of them;
 * a check is never made twice at a time.
 */
export class HealthMonitor {
  readonly #watches = new Map<string, Watch>();
  readonly #schedule: DueQueue<Check>;
  readonly #connections = new Lane(mostConnections, (check) => this.#make(check));
  readonly #commands = new Lane(mostCommands, (check) => this.#make(check));
  readonly #onVerdict: HealthMonitorOptions['onVerdict'];
  readonly #clock: () => number;
  readonly #random: () => number;

  constructor(options: HealthMonitorOptions) {
    this.#onVerdict = options.onVerdict;
    this.#clock = options.clock ?? monotonicMs;
    this.#random = options.random ?? Math.random;
    this.#schedule = new DueQueue(this.#clock, (check) => {
      if (!check.watch.ended.signal.aborted) (check.spec.type === 'cmd' ? this.#commands : this.#connections).add(check);
    });
  }

  /** Starts checking an instance; what was watched under the same ref is forgotten. */
  watch(instance: WatchedInstance): void {
    this.unwatch(instance.ref);
    if (instance.checks.length === 0) return;
    const { host = '127.0.0.1', ports, endpoints, exec = null, environment, knownHealthy = null, startedAtMonotonicMs } = instance;
    const watch: Watch = {
      instance, target: { host, ports, environment, exec, ...(endpoints === undefined ? {} : { endpoints }) }, checks: [], ended: new AbortController(),
      verdict: freshHistory(startedAtMonotonicMs, knownHealthy).verdict,
    };
    this.#watches.set(instanceKey(instance.ref), watch);
    for (const spec of instance.checks) {
      const check: Check = {
        watch, spec, lastDetail: null,
        // Of several checks an unhealthy one may have been any: all have to say anew.
        history: freshHistory(startedAtMonotonicMs, knownHealthy === false ? null : knownHealthy),
        dueAtMs: this.#clock() + firstProbeDelayMs(this.#random()),
      };
      watch.checks.push(check);
      this.#schedule.add(check);
    }
  }

  /** Ends the checks of an instance, those under way too; nothing is told about it any more. */
  unwatch(ref: InstanceRef): void {
    const key = instanceKey(ref);
    const watch = this.#watches.get(key);
    if (watch === undefined) return;
    this.#watches.delete(key);
    watch.ended.abort();
  }

  /** What each check of an instance found last, as one sentence, for whoever waits for it; null: nothing yet. */
  lastFindings(ref: InstanceRef): string | null {
    const watch = this.#watches.get(instanceKey(ref));
    const findings = (watch?.checks ?? []).flatMap((check) =>
      check.lastDetail === null ? [] : [`${describeCheck(check.spec)}: ${check.lastDetail}`],
    );
    return findings.length === 0 ? null : findings.join('; ');
  }

  close(): void {
    for (const watch of this.#watches.values()) watch.ended.abort();
    this.#watches.clear();
    this.#schedule.clear();
  }

  async #make(check: Check): Promise<void> {
    const { watch, spec } = check;
    if (watch.ended.signal.aborted) return;
    const beganAtMs = this.#clock();
    const result = await probe(spec, watch.target, watch.ended.signal);
    // What comes in for an incarnation that is over tells nothing about the one that followed.
    if (watch.ended.signal.aborted) return;
    const nowMs = this.#clock();
    const startedAtMs = watch.instance.startedAtMonotonicMs;
    check.lastDetail = result.detail;
    const counts = tellsAboutService(result, nowMs - beganAtMs, spec.timeoutMs);
    if (counts) check.history = afterProbe(check.history, spec, startedAtMs, { passed: result.kind === 'passed', atMs: nowMs });
    check.dueAtMs = nowMs + nextProbeDelayMs(spec, check.history, { startedAtMs, nowMs }, this.#random());
    this.#schedule.add(check);
    if (counts) this.#judge(watch, check);
  }

  #judge(watch: Watch, turned: Check): void {
    const verdict = combineVerdicts(watch.checks.map((check) => check.history.verdict));
    if (verdict === 'none' || verdict === watch.verdict) return;
    watch.verdict = verdict;
    this.#onVerdict(watch.instance.ref, {
      healthy: verdict === 'healthy', check: describeCheck(turned.spec), detail: turned.lastDetail ?? '',
    });
  }
}

/** Milliseconds since boot. */
export function monotonicMs(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}

function tellsAboutService(result: ProbeResult, tookMs: number, timeoutMs: number): boolean {
  switch (result.kind) {
    case 'passed':
    case 'failed':
      return true;
    case 'timed-out':
      // After a pause of this process the timer fires before the answer, long there, is read.
      return tookMs <= timeoutMs + ownDelayMs;
    case 'inconclusive':
      return false;
  }
}

/** Works through checks in the order in which they became due, a limited number at a time. */
class Lane {
  readonly #waiting: Check[] = [];
  #free: number;

  constructor(width: number, private readonly make: (check: Check) => Promise<void>) {
    this.#free = width;
  }

  add(check: Check): void {
    this.#waiting.push(check);
    this.#next();
  }

  #next(): void {
    while (this.#free > 0) {
      const check = this.#waiting.shift();
      if (check === undefined) return;
      this.#free -= 1;
      void this.make(check).finally(() => {
        this.#free += 1;
        this.#next();
      });
    }
  }
}

/** Every time and limit of a plugin's life, in milliseconds unless said otherwise. The defaults are the documented ones. */
export interface PluginTimings {
  /** How often a link is pinged; an answer may take as long. */
  readonly pingIntervalMs: number;
  /** Unanswered pings in a row until a plugin counts as unresponsive. */
  readonly pingMisses: number;
  /** How long an unresponsive plugin has to answer before it is restarted. */
  readonly secondChanceMs: number;
  /** Between the start of the process, or its last `$/progress`, and `ready`. */
  readonly readyWithinMs: number;
  readonly backoffFirstMs: number;
  readonly backoffLongestMs: number;
  /** A run that was ready for this long is stable and forgives the ones before. */
  readonly stableAfterMs: number;
  /** Consecutive unstable runs until quarantine. A number. */
  readonly quarantineAfter: number;
  /** Between the `shutdown` request and SIGTERM. */
  readonly shutdownMs: number;
  /** Between a plugin's answer to `shutdown`, or the end of its link, and SIGTERM. */
  readonly exitMs: number;
  /** Between SIGTERM and SIGKILL. */
  readonly terminateMs: number;
  /** How long a file in the plugins folder must stay the same before it is started. */
  readonly settleMs: number;
  /** How often the memory and the output files of plugins are looked at. */
  readonly inspectMs: number;
}

export const defaultTimings: PluginTimings = {
  pingIntervalMs: 10_000,
  pingMisses: 3,
  secondChanceMs: 30_000,
  readyWithinMs: 60_000,
  backoffFirstMs: 500,
  backoffLongestMs: 60_000,
  stableAfterMs: 60_000,
  quarantineAfter: 5,
  shutdownMs: 5_000,
  exitMs: 1_000,
  terminateMs: 5_000,
  settleMs: 250,
  inspectMs: 1_000,
};

/** The variable through which tests of the whole system make plugins live faster: a JSON object of some of the fields above. */
export const timingsVariable = 'HIVE_PLUGIN_TIMINGS';

/** The defaults, with what the environment says laid over them. Throws a SyntaxError or TypeError for what is no such object. */
export function timingsFrom(environment: Readonly<Record<string, string | undefined>>): PluginTimings {
  const text = environment[timingsVariable];
  if (text === undefined || text === '') return defaultTimings;
  const given = JSON.parse(text) as Record<string, unknown>;
  for (const [name, value] of Object.entries(given)) {
    if (!Object.hasOwn(defaultTimings, name)) throw new TypeError(`${timingsVariable} names ${name}, which is no timing.`);
    if (typeof value !== 'number' || !(value >= 0)) throw new TypeError(`${timingsVariable} gives ${name} something else than a number of 0 or more.`);
  }
  return { ...defaultTimings, ...given };
}

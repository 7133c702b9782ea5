import type { Runner } from '../runner.js';
import type { ScriptCommand } from './script-command.js';

export interface ScriptRunnerOptions {
  /** `$HIVE_HOME`; run folders go under `run/` in it. */
  readonly home: string;
  /** What every instance's environment starts from; see `allowListedEnvironment`. */
  readonly baseEnvironment: Readonly<Record<string, string>>;
}

/** Runs instances as processes of this machine. */
export type ScriptRunner = Runner<ScriptCommand>;

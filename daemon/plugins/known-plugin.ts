import type { PluginReport } from '../../shared/protocol/link.js';
import type { Plugin } from '../../shared/protocol/results.js';
import type { Requested } from './plugin-daemon.js';
import type { PluginLink } from './plugin-link.js';
import type { Usage } from './process-usage.js';
import type { Want } from './wants.js';

/** Everything that the daemon knows about one plugin. */
export interface KnownPlugin {
  report: PluginReport;
  /** Its newest link; stays here when it is over. */
  link: PluginLink | null;
  /** The run whose process the host told of last. */
  lastRun: string | null;
  /** What this host was told to do with it last. */
  told: 'start' | 'stop' | null;
  /** The request that led to what happens to it now. */
  cause: Requested | undefined;
}

export interface ViewInputs {
  readonly report: PluginReport;
  readonly version: string | null;
  /** What it says of itself; empty: nothing. */
  readonly said: string;
  readonly want: Want;
  readonly usage: Usage;
  readonly progress: { readonly lag: number; readonly lastAck: number } | null;
}

/** A plugin as the protocol shows it. */
export function viewOf({ report, version, said, want, usage, progress }: ViewInputs): Plugin {
  const isOff = report.state === 'stopped' || (!want.wanted && report.process === null);
  return {
    id: report.manifest.id,
    version,
    kind: report.manifest.kind,
    state: isOff && !want.wanted && want.byHand ? 'disabled' : report.state,
    pid: report.process?.pid ?? null,
    cpu: usage.cpu,
    memoryBytes: usage.memoryBytes,
    restarts: report.restarts,
    lagEvents: progress?.lag ?? null,
    lastAck: progress?.lastAck ?? null,
    grants: report.manifest.grants,
    reason: reasonOf(report, said, isOff, want),
  };
}

function reasonOf(report: PluginReport, said: string, isOff: boolean, want: Want): string {
  if (isOff && report.process === null && report.state !== 'quarantined') return want.reason;
  return report.state === 'ready' && said !== '' ? said : report.reason;
}

import type { HealthCheckSpec } from '../../shared/config/service-spec.js';
import { toHiveError } from '../../shared/errors/index.js';
import { describeExit } from '../reconciler/restart-policy.js';
import type { ExecReport, ExecRequest } from '../runner/runner.js';
import { formatDuration, shorten, type ProbeResult } from './probe-result.js';

export type ExecInside = (request: ExecRequest) => Promise<ExecReport>;

/** As `probeCommand`, inside of the instance: its files, its network, its environment. */
export async function probeInside(check: Pick<Extract<HealthCheckSpec, { type: 'cmd' }>, 'command' | 'timeoutMs'>, exec: ExecInside, signal: AbortSignal): Promise<ProbeResult> {
  try {
    const { ended, exit, output } = await exec({ command: check.command, timeoutMs: check.timeoutMs, signal });
    const line = shorten(output.trimEnd().split('\n').at(-1) ?? '', 200);
    const said = line === '' ? '' : `: ${line}`;
    switch (ended) {
      case 'abort':
        return { kind: 'inconclusive', detail: 'the look was called off' };
      case 'timeout':
        return { kind: 'timed-out', detail: `the command did not end within ${formatDuration(check.timeoutMs)} and was killed${said}` };
      case 'itself':
        if (exit.kind === 'code' && exit.code === 0) return { kind: 'passed', detail: `the command exited with 0${said}` };
        return { kind: exit.kind === 'unknown' ? 'inconclusive' : 'failed', detail: `the command ${describeExit(exit).replace('with code', 'with')}${said}` };
    }
  } catch (thrown) {
    const { code, message } = toHiveError(thrown);
    // An engine that is away says nothing about the service.
    return { kind: code === 'ENGINE_UNAVAILABLE' ? 'inconclusive' : 'failed', detail: message };
  }
}

import { constants } from 'node:os';
import type { HealthCheckSpec } from '../../shared/config/service-spec.js';
import { identityOf } from '../../shared/process/identity.js';
import { signalGroup } from '../../shared/process/send-signal.js';
import { withServiceUmask } from '../service-umask.js';
import { asOwnShortage, errorCode } from './connect-failure.js';
import { formatDuration, shorten, type ProbeResult } from './probe-result.js';

type CommandCheck = Pick<Extract<HealthCheckSpec, { type: 'cmd' }>, 'command' | 'workingDir' | 'timeoutMs'>;

const mostOutputCharacters = 4096;
/** How long after its exit a command's last output may still come; a process it left behind can hold the pipe forever. */
const outputAfterExitMs = 100;

/**
 * Passes when `/bin/sh -c <command>` exits with 0. The command gets `environment` and nothing else, no standard input,
 * and a process group of its own, all of which is killed when the time is up.
 */
export async function probeCommand(
  check: CommandCheck,
  environment: Readonly<Record<string, string>>,
  signal: AbortSignal,
): Promise<ProbeResult> {
  // Loaded by the first check that is a command: most homes have none, and it is 6 MB.
  const { execa } = await import('execa');
  if (signal.aborted) return calledOff;
  return new Promise((resolve) => {
    const [shell, ...words] = withServiceUmask(['/bin/sh', '-c', check.command]);
    const command = execa(shell, words, {
      cwd: check.workingDir, env: environment, extendEnv: false, stdin: 'ignore',
      detached: true, buffer: false, reject: false, encoding: 'utf8',
    });
    const output = new OutputTail();
    command.stdout.on('data', (chunk: Buffer) => output.add(chunk));
    command.stderr.on('data', (chunk: Buffer) => output.add(chunk));

    let outcome: ProbeResult | null = null;
    const settle = (result: ProbeResult): void => {
      clearTimeout(deadline);
      signal.removeEventListener('abort', abandon);
      command.stdout.destroy();
      command.stderr.destroy();
      resolve(result);
    };
    // Node may have reaped it and not told yet: then the number of the group is nobody's any more, or a stranger's.
    const leader = command.pid === undefined ? null : identityOf(command.pid);
    const killGroup = (): void => {
      if (leader !== null) signalGroup(leader, 'SIGKILL');
    };
    const abandon = (): void => {
      killGroup();
      outcome = calledOff;
    };
    const deadline = setTimeout(() => {
      killGroup();
      outcome ??= {
        kind: 'timed-out',
        detail: `the command did not end within ${formatDuration(check.timeoutMs)} and was killed${output.suffix()}`,
      };
    }, check.timeoutMs);
    signal.addEventListener('abort', abandon);

    command.once('error', (error) => settle(cannotStart(error, check.workingDir)));
    command.once('exit', (code, killedBy) => {
      const finish = (): void => {
        clearTimeout(late);
        settle(outcome ?? exitResult(code, killedBy, output));
      };
      const late = setTimeout(finish, outputAfterExitMs);
      command.once('close', finish);
    });
    // Everything it tells was told by the events above.
    command.then(() => undefined, () => undefined);
  });
}

const calledOff: ProbeResult = { kind: 'inconclusive', detail: 'the look was called off' };

function exitResult(code: number | null, signal: NodeJS.Signals | null, output: OutputTail): ProbeResult {
  if (code === 0) return { kind: 'passed', detail: `the command exited with 0${output.suffix()}` };
  if (signal !== null) return { kind: 'failed', detail: `the command was ended by ${signal}${output.suffix()}` };
  return { kind: 'failed', detail: `the command exited with ${code}${signalBehind(code)}${output.suffix()}` };
}

/** A shell reports a child that a signal ended as 128 + its number. */
function signalBehind(code: number | null): string {
  if (code === null || code <= 128) return '';
  const name = Object.entries(constants.signals).find(([, number]) => number === code - 128)?.[0];
  return name === undefined ? '' : ` (${name})`;
}

function cannotStart(error: Error, workingDir: string): ProbeResult {
  const shortage = asOwnShortage(error);
  if (shortage !== null) return shortage;
  const code = errorCode(error);
  if (code === 'ENOENT') return { kind: 'failed', detail: `the command could not be started: the folder ${workingDir} does not exist` };
  if (code === 'ENOTDIR') return { kind: 'failed', detail: `the command could not be started: ${workingDir} is not a folder` };
  if (code === 'EACCES') return { kind: 'failed', detail: `the command could not be started: no permission to enter ${workingDir}` };
  return { kind: 'failed', detail: `the command could not be started: ${error.message}` };
}

/** The end of what a command said. */
class OutputTail {
  #text = '';

  add(chunk: Buffer | string): void {
    this.#text = (this.#text + chunk.toString()).slice(-mostOutputCharacters);
  }

  /** `: <last line>`, or nothing. */
  suffix(): string {
    const line = shorten(this.#text.trimEnd().split('\n').at(-1) ?? '', 200);
    return line === '' ? '' : `: ${line}`;
  }
}

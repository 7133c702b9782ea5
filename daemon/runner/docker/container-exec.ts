import type { Readable } from 'node:stream';
import type { ExecReport, ExecRequest } from '../runner.js';
import type { EngineConnection } from './engine-connection.js';

const mostOutputCharacters = 4_096;

/** Says who it is on its first line, since an engine has no way to end what it runs in a container, then becomes the command. */
const announced = 'echo "$$"; exec /bin/sh -c "$1"';

/** Runs `/bin/sh -c command` in a container. Rejects as `EngineConnection.call` does; a container without /bin/sh makes exit 126 or 127. */
export async function execInside(connection: EngineConnection, container: string, { command, timeoutMs, signal }: ExecRequest): Promise<ExecReport> {
  const exec = await connection.call((engine) => engine.getContainer(container).exec({
    Cmd: ['/bin/sh', '-c', announced, 'hive-check', command], AttachStdout: true, AttachStderr: true, Tty: false,
  }));
  const stream = (await connection.call(() => exec.start({ Detach: false, Tty: false }))) as unknown as Readable;
  let output = '';
  const done = read(stream, (text) => { output = output.length > 2 * mostOutputCharacters ? output.slice(0, 32) + text : output + text; });
  const ended = await firstOf(done, timeoutMs, signal);
  const [, pid, said = output] = /^(\d+)\r?\n([^]*)$/.exec(output) ?? [];
  const report = (exit: ExecReport['exit']): ExecReport => ({ ended, exit, output: said.slice(-mostOutputCharacters) });
  if (ended !== 'itself') {
    stream.destroy();
    if (pid !== undefined) await killInside(connection, container, pid);
    return report({ kind: 'unknown', reason: 'it was ended before it was done' });
  }
  const { ExitCode: code } = await connection.call(() => exec.inspect());
  return report(code === null ? { kind: 'unknown', reason: 'the engine does not know how it ended' } : { kind: 'code', code });
}

async function killInside(connection: EngineConnection, container: string, pid: string): Promise<void> {
  const kill = await connection.call((engine) => engine.getContainer(container).exec({ Cmd: ['/bin/sh', '-c', `kill -9 ${pid}`] }));
  await connection.call(() => kill.start({ Detach: true, Tty: false })).catch(() => undefined);
}

/** Hands on both outputs without their frames; resolves at the end. */
function read(stream: Readable, heard: (text: string) => void): Promise<void> {
  let rest: Buffer = Buffer.alloc(0);
  stream.on('data', (chunk: Buffer) => {
    rest = Buffer.concat([rest, chunk]);
    while (rest.length >= 8 && rest.length >= 8 + rest.readUInt32BE(4)) {
      const length = rest.readUInt32BE(4);
      heard(rest.toString('utf8', 8, 8 + length));
      rest = rest.subarray(8 + length);
    }
  });
  return new Promise((resolve) => {
    for (const event of ['end', 'close', 'error']) stream.once(event, () => resolve());
  });
}

function firstOf(done: Promise<void>, timeoutMs: number, signal: AbortSignal): Promise<ExecReport['ended']> {
  return new Promise((resolve) => {
    const finish = (ended: ExecReport['ended']) => (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', aborted);
      resolve(ended);
    };
    const aborted = finish('abort');
    const timer = setTimeout(finish('timeout'), timeoutMs);
    signal.addEventListener('abort', aborted);
    void done.then(finish('itself'));
    if (signal.aborted) aborted();
  });
}

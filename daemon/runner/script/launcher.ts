import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { packageRoot } from '../../../shared/package-root.js';
import { inheritedDescriptors, withoutDescriptors } from './inherited-descriptors.js';

/** dash where there is one: it is the smallest and quickest, and can tell every signal from every exit code. */
export function preferredShell(): string {
  return ['/bin/dash', '/usr/bin/dash'].find((shell) => existsSync(shell)) ?? '/bin/sh';
}

/**
 * The small process that forks the shims: forking from it costs the daemon's event loop nothing, while a spawn from a
 * large Node process blocks for milliseconds. It leaves when the daemon does; a new one is started when it is needed.
 */
export class Launcher {
  private child: ChildProcess | null = null;

  constructor(
    private readonly shell: readonly string[],
    private readonly doorbell: string,
    private readonly onDeath: () => void,
  ) {}

  /** Has `launch.<order>` in `folder` carried out. */
  give(order: string, folder: string): void {
    this.write(`${order} ${folder}\n`);
  }

  /** Makes it wait for shims that have exited, so that they do not stay zombies. */
  reap(): void {
    if (this.child !== null) this.write('\n');
  }

  /** Starts the process ahead of the first order. */
  start(): void {
    this.child ??= this.spawn();
  }

  close(): void {
    const child = this.child;
    this.child = null;
    child?.stdin?.end();
  }

  private write(line: string): void {
    this.start();
    this.child?.stdin?.write(line);
  }

  private spawn(): ChildProcess {
    const script = path.join(packageRoot(), 'daemon/runner/script/launcher.sh');
    const [program = '/bin/sh', ...rest] = withoutDescriptors([...this.shell, script, this.doorbell], inheritedDescriptors());
    const child = spawn(program, rest, {
      cwd: '/',
      detached: true,
      stdio: ['pipe', 'ignore', 'ignore'],
      // The words that bash has for signals must be English, and nothing else of the daemon's is needed.
      env: { PATH: process.env['PATH'] ?? '/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C' },
    });
    const died = (): void => {
      if (this.child !== child) return;
      this.child = null;
      this.onDeath();
    };
    child.once('exit', died);
    child.once('error', died);
    // An order that cannot be written any more is noticed by the exit.
    child.stdin.on('error', () => undefined);
    child.unref();
    (child.stdin as unknown as { unref?: () => void }).unref?.();
    return child;
  }
}

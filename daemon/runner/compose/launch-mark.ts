import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { identityOf, type ProcessIdentity } from '../../../shared/process/identity.js';
import { signalProcess } from '../../../shared/process/send-signal.js';

/**
 * `run/.compose/<incarnation>/`: there while compose is bringing an incarnation up. It holds the file that is laid over the
 * user's, which may have secrets in it, and who compose is: a killed daemon leaves it running, and the next one ends it
 * before it looks at what it made.
 */
export class LaunchMark {
  private constructor(readonly folder: string) {}

  static make(home: string, incarnation: string): LaunchMark {
    const folder = join(home, 'run/.compose', incarnation);
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    return new LaunchMark(folder);
  }

  /** Answers its path. */
  writeOverride(text: string): string {
    const path = join(this.folder, 'override.yml');
    writeFileSync(path, text, { mode: 0o600 });
    return path;
  }

  startedBy(pid: number): void {
    const identity = identityOf(pid);
    if (identity !== null) writeFileSync(join(this.folder, 'program.json'), JSON.stringify(identity), { mode: 0o600 });
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** Ends what an earlier daemon left of launches; answers the incarnations that were not up yet. */
export function clearLaunchMarks(home: string): Set<string> {
  const folder = join(home, 'run/.compose');
  const unfinished = new Set<string>();
  for (const incarnation of namesIn(folder)) {
    unfinished.add(incarnation);
    const program = read(join(folder, incarnation, 'program.json'));
    if (program !== null) signalProcess(program, 'SIGKILL');
    rmSync(join(folder, incarnation), { recursive: true, force: true });
  }
  return unfinished;
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

function read(path: string): ProcessIdentity | null {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as ProcessIdentity;
  } catch {
    return null;
  }
}

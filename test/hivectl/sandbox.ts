import { spawn, type ChildProcess } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { packageRoot } from '../../shared/package-root.js';
import { servicesInProc } from '../support/services-in-proc.js';
import { until } from '../support/until.js';

const program = join(packageRoot(), 'dist/hivectl/main.js');

export interface Finished {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

/** A hivectl that still runs. */
export interface Running {
  readonly process: ChildProcess;
  readonly printed: () => string;
  readonly finished: Promise<Finished>;
  /** Resolves once stdout and stderr together hold the text. */
  says(text: string): Promise<void>;
}

/** A home and projects of its own for hivectl, which starts its daemons itself; `end` takes everything down. */
export class Sandbox {
  readonly root = mkdtempSync(join(tmpdir(), 'hivectl-'));
  readonly home = join(this.root, 'home');

  /** Writes a project and answers its folder. */
  project(name: string, yaml: string): string {
    const file = join(this.root, name, '.adi/hive.yaml');
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, yaml);
    return join(this.root, name);
  }

  start(folder: string, words: readonly string[], environment: Record<string, string> = {}): Running {
    const child = spawn(process.execPath, [program, ...words], {
      cwd: folder,
      env: { ...process.env, HIVE_HOME: this.home, NODE_OPTIONS: '', ...environment },
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    let out = '';
    let err = '';
    child.stdout.on('data', (chunk: Buffer) => { out += chunk.toString(); });
    child.stderr.on('data', (chunk: Buffer) => { err += chunk.toString(); });
    const finished = new Promise<Finished>((resolve) => child.once('close', (code) => resolve({ code, out, err })));
    return {
      process: child,
      printed: () => out + err,
      finished,
      says: async (text) => {
        await until(() => (out + err).includes(text) || undefined, `hivectl ${words.join(' ')} to say "${text}"`);
      },
    };
  }

  /** Runs hivectl to its end; `input` goes to its stdin. */
  async run(folder: string, line: string, input = ''): Promise<Finished> {
    const running = this.start(folder, line.split(' '));
    running.process.stdin?.end(input);
    return running.finished;
  }

  /** Runs it with `--json` and answers what it printed. */
  async json<Shape>(folder: string, line: string): Promise<Shape> {
    const { code, out, err } = await this.run(folder, `${line} --json`);
    if (code !== 0) throw new Error(`hivectl ${line} --json exited with ${String(code)}: ${err}`);
    return JSON.parse(out) as Shape;
  }

  servicePids(): Map<string, number> {
    return servicesInProc(this.home).pids;
  }

  async end(): Promise<void> {
    const { code, err } = await this.run(this.root, 'daemon stop --timeout 30s');
    rmSync(this.root, { recursive: true, force: true });
    if (code !== 0) throw new Error(`The daemon of the test could not be stopped: ${err}`);
  }
}

import { randomBytes } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, readlinkSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { InstanceExit, LaunchRequest } from '../../daemon/runner/runner.js';
import { allowListedEnvironment } from '../../daemon/runner/script/environment.js';
import type { ScriptCommand } from '../../daemon/runner/script/script-command.js';
import { ScriptRunner, type ScriptRunnerOptions } from '../../daemon/runner/script/script-runner.js';
import { packageRoot } from '../../shared/package-root.js';
import { environmentMarker } from '../../shared/process/environment-marker.js';
import { readProcessTable } from '../../shared/process/proc-table.js';
import { bootId } from '../../shared/process/machine.js';
import { signalProcess } from '../../shared/process/send-signal.js';
import { isGone, type ProcessRow } from '../../shared/process/process-row.js';

const homeVariable = 'HIVE_TEST_HOME';

export function fixture(name: string): string {
  return path.join(packageRoot(), 'test/fixtures', name);
}

/** Waits for a fact, at most `deadlineMs`. */
export async function until<Value>(what: string, fact: () => Value | undefined | null | false, deadlineMs = 10_000): Promise<Value> {
  for (const started = performance.now(); ; await sleep(2)) {
    const value = fact();
    if (value !== undefined && value !== null && value !== false) return value;
    if (performance.now() - started > deadlineMs) throw new Error(`Waited ${deadlineMs} ms in vain until ${what}.`);
  }
}

/** A home in a temporary folder, and everything that runs in it. */
export class TestingHome {
  readonly folder = mkdtempSync(path.join(tmpdir(), 'hive-runner-'));
  private readonly runners: ScriptRunner[] = [];

  runner(over: Partial<ScriptRunnerOptions> = {}): ScriptRunner & { readonly exits: InstanceExit[] } {
    const runner = new ScriptRunner({
      home: this.folder,
      baseEnvironment: { ...allowListedEnvironment(process.env), [homeVariable]: this.folder },
      ...over,
    });
    const exits: InstanceExit[] = [];
    runner.onExit((exit) => exits.push(exit));
    this.runners.push(runner);
    return Object.assign(runner, { exits });
  }

  request(service: string, run: string, over: Partial<LaunchRequest<ScriptCommand>> = {}): LaunchRequest<ScriptCommand> {
    return {
      ref: { source: 'test', service, number: 1 },
      incarnation: randomBytes(9).toString('hex'),
      command: { run },
      environment: {},
      workingDirectory: this.folder,
      stdoutPath: this.outputOf(service),
      stderrPath: this.outputOf(service),
      ...over,
    };
  }

  outputOf(service: string): string {
    return path.join(this.folder, `${service}.log`);
  }

  said(service: string): string {
    return existsSync(this.outputOf(service)) ? readFileSync(this.outputOf(service), 'utf8') : '';
  }

  runFolder(service: string): string {
    return path.join(this.folder, 'run/test', service, '1');
  }

  record(service: string): string {
    const file = path.join(this.runFolder(service), 'record');
    return existsSync(file) ? readFileSync(file, 'utf8') : '';
  }

  /** Living processes that were started in this home, shims left out. */
  services(): ProcessRow[] {
    return [...readProcessTable().values()].filter((row) => !isGone(row) && environmentMarker(row.pid, homeVariable) === this.folder);
  }

  shims(): ProcessRow[] {
    const root = path.join(this.folder, 'run');
    return [...readProcessTable().values()].filter((row) => !isGone(row) && workingDirectoryOf(row.pid).startsWith(root));
  }

  /** Ends every process that was started in this home and removes it. */
  async dispose(): Promise<void> {
    for (const runner of this.runners) await runner.close();
    await until('nothing of this home runs', () => {
      const left = [...this.services(), ...this.shims()];
      for (const row of left) signalProcess({ bootId: bootId(), pid: row.pid, startTicks: row.startTicks }, 'SIGKILL');
      return left.length === 0;
    });
    rmSync(this.folder, { recursive: true, force: true });
  }
}

function workingDirectoryOf(pid: number): string {
  try {
    return readlinkSync(`/proc/${pid}/cwd`);
  } catch {
    return '';
  }
}

import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { measureIdle } from './measure/idle.js';
import { LinesLost, measureLogLines } from './measure/log-lines.js';
import { measureMemory, type MemoryUse } from './measure/memory.js';
import { measureRestart } from './measure/restart.js';
import { measureStart } from './measure/start.js';
import { measureCommand } from './measure/status-command.js';
import { commandOf, readProcess } from '../shared/process/proc-table.js';
import type { Peer, Supervisor } from './peers/peer.js';
import type { Report } from './report/report.js';
import type { Sizes } from './sizes.js';
import { startedProcesses } from './tools/endings.js';
import { pssMegabytes } from './tools/memory.js';
import { ServiceSet } from './tools/service-set.js';
import { median, rateOf } from './tools/statistics.js';
import { waitUntil } from './tools/wait-until.js';

/** Some supervisors take half a minute to end a hundred services: then fewer rounds have to do. */
const longestRoundsMs = 10_000;

/** Everything that is measured of every supervisor. */
export async function measurePeer(peer: Peer, folder: string, sizes: Sizes, report: Report): Promise<void> {
  const { name } = peer;
  let memory: MemoryUse | null = null;

  await report.attempt(`${name}, ${sizes.many} services`, async () => {
    const starts: number[] = [];
    const beganAtMs = performance.now();
    for (let round = 1; round < Math.min(sizes.rounds, 3) && performance.now() - beganAtMs < longestRoundsMs; round += 1) {
      await withServices(peer, join(folder, `start-${round}`), sizes.many, async (supervisor, set) => void starts.push(await measureStart(supervisor, set)));
    }
    await withServices(peer, join(folder, 'many'), sizes.many, async (supervisor, set) => {
      starts.push(await measureStart(supervisor, set));
      report.set('start', name, median(starts));
      await settle(sizes);
      memory = measureMemory(supervisor, set.pids);
      report.set('memory', name, withoutPlugins(memory));
      noteParts(peer, memory, sizes.many, report);
      notePlugins(supervisor, set, peer, report);
      report.set('restart', name, await measureRestart(set, sizes.kills));
      if (supervisor.restartNote !== undefined) report.note(`${name}: ${supervisor.restartNote}.`);
      if (supervisor.askStatus !== null) report.set('status', name, await rateOf(supervisor.askStatus, sizes.rateMs));
      if (supervisor.statusCommand !== null) report.set('command', name, await measureCommand(supervisor.statusCommand, sizes.rounds + 2));
    });
  });

  await report.attempt(`${name}, ${sizes.more} services`, () =>
    withServices(peer, join(folder, 'more'), sizes.more, async (supervisor, set) => {
      const seconds = await measureStart(supervisor, set);
      report.set('startMore', name, seconds);
      const few = report.get('start', name);
      if (few !== undefined) report.set('startGrowth', name, seconds / sizes.more / (few / sizes.many));
      await settle(sizes);
      const use = measureMemory(supervisor, set.pids);
      if (memory !== null) report.set('memoryPerService', name, (withoutPlugins(use) - withoutPlugins(memory)) / (sizes.more - sizes.many));
      report.set('idle', name, await measureIdle(Object.values(supervisor.processes(set.pids)).flat(), sizes.idleMs));
      if (supervisor.askStatus !== null) report.set('statusMore', name, 1000 / (await rateOf(supervisor.askStatus, sizes.rateMs)));
    }),
  );

  await report.attempt(`${name}, ${sizes.lines} lines`, async () => {
    const seconds: number[] = [];
    for (let round = 0; round < Math.min(sizes.rounds, 3); round += 1) {
      try {
        const took = await measureLogLines(peer, join(folder, `lines-${round}`), sizes.lines);
        if (took !== null) seconds.push(took);
      } catch (error) {
        if (!(error instanceof LinesLost) || name === 'hive') throw error;
        // That somebody else loses lines is a finding, not a failure of this run.
        report.note(`${name}: ${error.message}, in one of the rounds.`);
      }
    }
    if (seconds.length > 0) report.set('lines', name, median(seconds));
  });
}

async function withServices(peer: Peer, folder: string, count: number, work: (supervisor: Supervisor, set: ServiceSet) => Promise<void>): Promise<void> {
  mkdirSync(folder, { recursive: true });
  const set = new ServiceSet(join(folder, 'set'), count);
  try {
    const supervisor = await peer.prepare({ folder, services: set.services, restart: true });
    try {
      await work(supervisor, set);
    } finally {
      await supervisor.stop();
    }
    await waitUntil(() => `${peer.name} to leave nothing behind: ${describeLeft()}`, () => startedProcesses().length === 0, 20_000, 50);
  } finally {
    set.close();
  }
}

function describeLeft(): string {
  return startedProcesses().map((pid) => commandOf(readProcess(pid) ?? { pid, name: '?' })).join(', ');
}

/** Memory and processor are looked at when the start is over, not while its garbage is still there. */
async function settle(sizes: Sizes): Promise<void> {
  await delay(sizes.idleMs / 4);
}

function withoutPlugins({ megabytes, byPart }: MemoryUse): number {
  return megabytes - (byPart['plugins'] ?? 0);
}

function noteParts(peer: Peer, memory: MemoryUse, count: number, report: Report): void {
  const parts = Object.entries(memory.byPart);
  if (parts.length < 2) return;
  report.note(`${peer.name}, memory with ${count} services by part, MB: ${parts.map(([part, megabytes]) => `${part} ${megabytes.toFixed(1)}`).join(', ')}.`);
}

function notePlugins(supervisor: Supervisor, set: ServiceSet, peer: Peer, report: Report): void {
  const each = (supervisor.processes(set.pids)['plugins'] ?? []).map((pid) => pssMegabytes([pid]));
  if (each.length > 0) report.set('memoryPerPlugin', peer.name, Math.max(...each));
}

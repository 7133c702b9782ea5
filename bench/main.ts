import { mkdirSync, mkdtempSync, writeSync } from 'node:fs';
import { cpus, tmpdir, totalmem } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { measureCocoon } from './measure/cocoon.js';
import { measureEvents } from './measure/events.js';
import { measureStraightToFile } from './measure/log-lines.js';
import { measureSmallestCall } from './measure/smallest-call.js';
import { emptyNode, measureCommand } from './measure/status-command.js';
import { measureProxies } from './measure/proxies.js';
import { measurePeer } from './measure-peer.js';
import { hive } from './peers/hive.js';
import type { Peer } from './peers/peer.js';
import { pm2 } from './peers/pm2.js';
import { runit } from './peers/runit.js';
import { s6 } from './peers/s6.js';
import { supervisord } from './peers/supervisord.js';
import { Report } from './report/report.js';
import { printTables, toJson } from './report/table.js';
import { fullSizes, shortSizes, type Sizes } from './sizes.js';
import { endEverythingAtExit, removeAtEnd } from './tools/endings.js';
import { median } from './tools/statistics.js';

const usage = `npm run bench -- [--short] [--json] [--only NAME,NAME…]

Measures Hive and every peer that is installed, one after the other, and prints a table with the goals.

  --short   fewer services, lines and rounds: shows in less than a minute that everything still works
  --json    prints JSON instead of the table
  --only    only these of hive, pm2, supervisord, runit, s6, calls, cocoon, events, proxy
`;

const peers: readonly Peer[] = [s6, runit, supervisord, pm2, hive];

const { values: options } = parseArgs({
  options: { short: { type: 'boolean' }, json: { type: 'boolean' }, only: { type: 'string' }, help: { type: 'boolean' } },
});
if (options.help) {
  process.stdout.write(usage);
  process.exit(0);
}
const sizes = options.short ? shortSizes : fullSizes;
const only = options.only?.split(',') ?? null;
const isWanted = (name: string): boolean => only === null || only.includes(name);

endEverythingAtExit();
// Short, because sockets are in there.
const folder = removeAtEnd(mkdtempSync(join(tmpdir(), 'hb-')));
const report = new Report();
const versions: Record<string, string> = {};
const facts = { date: new Date().toISOString(), short: options.short === true, cores: cpus().length, processor: cpus()[0]?.model, memoryBytes: totalmem(), node: process.version, versions };
// At the exit, so that Ctrl-C after ten minutes does not cost what was measured until then.
process.once('exit', print);
await measurePeers(folder, sizes);
await measureTheRest(folder, sizes);
process.exit(report.failures.length > 0 ? 1 : 0);

function print(): void {
  const text = options.json
    ? JSON.stringify(toJson(report, sizes, facts), undefined, 2)
    : `\n${describeMachine()}\n\n${printTables(report, sizes)}\n\n${remarks()}`;
  // Synchronous, for this is the last thing that happens.
  writeSync(1, `${text.trimEnd()}\n`);
}

async function measurePeers(within: string, of: Sizes): Promise<void> {
  for (const peer of peers.filter(({ name }) => isWanted(name))) {
    const version = await peer.find();
    if (version === null) {
      report.note(`${peer.name} is not here: ${peer.howToGet}.`);
      continue;
    }
    versions[peer.name] = version;
    await measurePeer(peer, join(within, peer.name), of, report);
  }
}

async function measureTheRest(within: string, of: Sizes): Promise<void> {
  await report.attempt('straight to a file, node -e 0', async () => {
    const seconds: number[] = [];
    for (let round = 0; round < Math.min(of.rounds, 3); round += 1) seconds.push(await measureStraightToFile(join(within, `straight-${round}`), of.lines));
    report.set('lines', 'direct', median(seconds));
    report.set('command', 'direct', await measureCommand(emptyNode, of.rounds + 2));
  });
  if (isWanted('calls')) {
    await report.attempt('smallest call', async () => {
      const rates = await measureSmallestCall(fresh(within, 'calls'), of.rounds, of.rateMs / 2);
      report.set('callsSerial', 'hive', rates.hive.serial);
      report.set('callsSerial', 'direct', rates.bare.serial);
      report.set('callsPipelined', 'hive', rates.hive.pipelined);
      report.set('callsPipelined', 'direct', rates.bare.pipelined);
    });
  }
  if (isWanted('cocoon')) {
    await report.attempt('a cocoon', async () => report.set('cocoon', 'hive', await measureCocoon(fresh(within, 'cocoon'), of.cocoons)));
  }
  if (isWanted('proxy')) {
    await report.attempt('proxies', () => measureProxies(fresh(within, 'proxies'), of, report));
  }
  if (isWanted('events')) {
    await report.attempt('events', async () => report.set('events', 'hive', await measureEvents(fresh(within, 'events'), of.events, of.rounds)));
  }
}

function fresh(within: string, name: string): string {
  const path = join(within, name);
  mkdirSync(path, { recursive: true });
  return path;
}

function describeMachine(): string {
  const named = Object.entries(versions).map(([name, version]) => `${name} ${version}`).join(', ');
  return `${facts.cores} cores (${facts.processor}), Node ${process.version}, ${facts.date}; ${named}.\nIn parentheses: Hive's value divided by this one.`;
}

function remarks(): string {
  return [...report.notes.map((note) => `- ${note}\n`), ...report.failures.map((failure) => `- FAILED: ${failure}\n`)].join('');
}

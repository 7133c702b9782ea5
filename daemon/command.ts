import { parseArgs } from 'node:util';
import { execFile } from 'node:child_process';
import { HiveError, toHiveError } from '../shared/errors/index.js';
import { defaultHome } from '../shared/home-paths.js';
import { startDaemon } from './daemon.js';
import { storageProblem } from './home/storage-problem.js';
import { version } from './version.js';

const usage = `hived ${version}: supervises services. Usually started by hivectl up or hivectl daemon start.

Usage: hived [--home DIR]

  --home DIR   where state, logs and the socket are; default $HIVE_HOME or ~/.adi/hive
  --version    print the version
  --help       print this

SIGTERM and SIGINT stop all services in order, then the daemon. SIGKILL harms no service: the next hived adopts them.
`;

/** What `hived` does with its arguments. */
async function main(): Promise<void> {
  const { values } = readArguments();
  if (values.help) return void process.stdout.write(usage);
  if (values.version) return void process.stdout.write(`${version}\n`);
  const home = values.home ?? defaultHome();
  const daemon = await startDaemon(home).catch((thrown: unknown) => { throw storageProblem(home, thrown); });
  process.stdout.write(`hived ${version} is ready: pid ${process.pid}, socket ${daemon.socket}\n`);
  tellServiceManager();
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.on(signal, () => daemon.shutdown({ graceful: true, keepServices: false, by: signal }));
  }
  // A terminal that goes away takes nothing along.
  process.on('SIGHUP', () => {});
  process.exitCode = await daemon.ended;
}

/** Readiness for systemd, as sd_notify(3) has it; Node cannot write to datagram sockets. */
function tellServiceManager(): void {
  if (process.env['NOTIFY_SOCKET'] === undefined) return;
  execFile('systemd-notify', ['--ready'], (error) => {
    if (error !== null) process.stderr.write(`hived: systemd was not told that it is ready: ${error.message}\n`);
  });
}

function readArguments(): { values: { home?: string | undefined; version?: boolean | undefined; help?: boolean | undefined } } {
  try {
    return parseArgs({ options: { home: { type: 'string' }, version: { type: 'boolean' }, help: { type: 'boolean' }, foreground: { type: 'boolean' } } });
  } catch (error) {
    throw new HiveError('INVALID_PARAMS', `${(error as Error).message}`, { next: 'See hived --help.' });
  }
}

main().catch((thrown: unknown) => {
  const error = toHiveError(thrown);
  process.stderr.write(`hived: ${error.message}${error.next === undefined ? '' : ` ${error.next}`} [${error.code}]\n`);
  // At once: a daemon that failed half-way up may have timers and processes that would keep it.
  process.exit(error.code === 'INVALID_PARAMS' ? 2 : 1);
});

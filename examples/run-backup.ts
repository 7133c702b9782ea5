import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { generateX25519Identity } from 'age-encryption';
import { packageRoot } from '../shared/package-root.js';

/*
 * The disaster drill in one go, with nothing but hivectl: services run and are backed up, the home is lost, and all of it
 * comes back. Everything lies in one temporary folder, which is removed at the end; Ctrl-C at any time.
 */
const root = mkdtempSync(join(tmpdir(), 'hive-drill-'));
const home = join(root, 'home');
const key = join(root, 'safe-place', 'backup.key');
const backups = join(root, 'other-disk');

let isInterrupted = false;
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => { isInterrupted = true; });

async function main(): Promise<void> {
  try {
    await drill();
  } finally {
    await hivectl(['daemon', 'stop'], false);
    rmSync(root, { recursive: true, force: true });
  }
  say('Everything is stopped and nothing is left behind.');
}

async function drill(): Promise<void> {
  mkdirSync(home, { mode: 0o700 });
  mkdirSync(join(root, 'safe-place'), { mode: 0o700 });
  writeFileSync(key, `${await generateX25519Identity()}\n`, { mode: 0o600 });
  writeFileSync(join(home, 'hive.yaml'), defaultSource());
  mkdirSync(join(root, 'shop/.adi'), { recursive: true });
  writeFileSync(join(root, 'shop/.adi/hive.yaml'), project());

  say('Two services in two sources, and a backup that is encrypted.');
  await hivectl(['daemon', 'start']);
  await hivectl(['source', 'add', join(root, 'shop')]);
  await hivectl(['start', 'shop:*']);
  await hivectl(['scale', 'shop:worker', '2']);
  await hivectl(['backup', 'create']);
  await hivectl(['backup', 'list']);

  say('The machine is lost: no daemon, no home, no project. The backups are on another disk, the key in a safe place.');
  await hivectl(['daemon', 'stop']);
  rmSync(home, { recursive: true });
  rmSync(join(root, 'shop'), { recursive: true });

  say('A new machine that knows nothing. First the plan, then the restore.');
  const from = ['--from', backups, '--key-file', key];
  await hivectl(['backup', 'restore', ...from]);
  await hivectl(['backup', 'restore', ...from, '--yes']);
  await hivectl(['wait', 'shop:worker', '--for', 'running']);
  await hivectl(['status', '--all']);
}

const defaultSource = (): string => `version: "1"
plugins:
  backup:
    enabled: true
    every: 1h
    dir: ${backups}
    encryption: {key_file: ${key}}
services:
  clock: {runner: {type: script, script: {run: "while date; do sleep 5; done"}}, restart: always}
`;

const project = (): string => `version: "1"
services:
  worker:
    runner: {type: script, script: {run: "while echo working; do sleep 5; done"}}
    environment: {static: {API_TOKEN: a-secret-that-no-backup-shows}}
    restart: always
`;

/** Shows and runs a command, as if it had been typed. */
async function hivectl(words: readonly string[], isShown = true): Promise<void> {
  if (isInterrupted && isShown) return;
  if (isShown) process.stdout.write(`\n$ hivectl ${words.join(' ')}\n`);
  const child = spawn(process.execPath, [join(packageRoot(), 'dist/hivectl/main.js'), ...words], {
    env: { ...process.env, HIVE_HOME: home },
    stdio: isShown ? ['ignore', 'inherit', 'inherit'] : 'ignore',
    // A group of its own: Ctrl-C reaches this program alone, which then stops the daemon in order.
    detached: true,
  });
  const [code] = (await once(child, 'exit')) as [number | null];
  if (isShown && code !== 0) throw new Error(`hivectl ${words.join(' ')} exited with ${String(code)}.`);
}

function say(text: string): void {
  process.stdout.write(`\n== ${text}\n`);
}

main().catch((thrown: unknown) => {
  process.stderr.write(`${thrown instanceof Error ? thrown.message : String(thrown)}\n`);
  process.exitCode = 1;
});

import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import { error, fine, note, warning, type Finding } from './finding.js';

const run = promisify(execFile);

/** Node, and the programs that starting, stopping and rotating need. */
export async function checkMachine(): Promise<Finding[]> {
  return [checkNode(process.versions.node), checkPlatform(process.platform), ...(await checkPrograms())];
}

/** 20.19 is the first with everything that Hive uses. */
export function checkNode(version: string): Finding {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  if (major > 20 || (major === 20 && minor >= 19)) return fine(`Node ${version}`);
  return error(`Node ${version} is too old; Hive needs 20.19.`, 'Install Node 20.19 or newer: https://nodejs.org');
}

export function checkPlatform(platform: string): Finding {
  if (platform === 'linux' && existsSync('/proc/self/stat')) return fine('Linux with /proc');
  if (platform === 'linux') return error('/proc is not mounted; Hive knows processes by it.', 'mount -t proc proc /proc');
  return error(`Hive supervises processes by what Linux tells in /proc; this is ${platform}.`, 'Run Hive on Linux.');
}

async function checkPrograms(): Promise<Finding[]> {
  const findings = [
    need('sh', 'It starts services.', 'apt-get install dash', error),
    need('setsid', 'It gives services a session of their own.', 'apt-get install util-linux', warning),
    need('fallocate', 'Without it, live log files cannot be cut at their front.', 'apt-get install util-linux', warning),
  ];
  return [...findings, await checkEnv()];
}

function need(program: string, forWhat: string, mend: string, level: typeof error): Finding {
  const found = findProgram(program);
  return found === null ? level(`The program ${program} is missing. ${forWhat}`, mend) : fine(`${program} is ${found}`);
}

async function checkEnv(): Promise<Finding> {
  try {
    await run('env', ['--default-signal=INT,QUIT', 'true'], { timeout: 5000 });
    return fine('env can give services the usual signals back');
  } catch {
    return note('env has no --default-signal: a service that a shell starts may ignore SIGINT and SIGQUIT.', 'apt-get install coreutils (8.31 or newer)');
  }
}

function findProgram(name: string): string | null {
  const folders = (process.env['PATH'] ?? '/usr/bin:/bin').split(delimiter);
  return folders.map((folder) => join(folder, name)).find((path) => existsSync(path)) ?? null;
}

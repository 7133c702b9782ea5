import { accessSync, closeSync, constants, existsSync, openSync, readSync, statSync } from 'node:fs';
import { parseShebang } from './shebang.js';

/** What ELF calls the processors that Node runs on. */
const machines: Readonly<Record<string, readonly number[]>> = {
  x64: [62, 3],
  ia32: [3],
  arm64: [183, 40],
  arm: [40],
  riscv64: [243],
  ppc64: [21],
  s390x: [22],
  loong64: [258],
};

/**
 * Says in a sentence why the kernel would not execute this file; null when nothing is found to be wrong with it.
 * The kernel's own answer is one word: `ENOENT` for a script means that its interpreter is missing, not the script.
 */
export function executableProblem(file: string, depth = 0): string | null {
  const stat = statSync(file, { throwIfNoEntry: false });
  if (stat === undefined) return `${file} does not exist.`;
  if (stat.isDirectory()) return `${file} is a folder.`;
  if (!stat.isFile()) return `${file} is not a regular file.`;
  if (!mayExecute(file)) {
    const mode = (stat.mode & 0o7777).toString(8).padStart(4, '0');
    return `${file} may not be executed: its mode is ${mode} and its owner is uid ${stat.uid}, while this daemon runs as uid ${process.getuid?.() ?? 'unknown'}.`;
  }
  const head = readHead(file);
  if (head === null) return null;
  if (head.toString('latin1', 0, 4) === '\x7fELF') return elfProblem(file, head);
  const shebang = parseShebang(head.toString('utf8'));
  if (shebang === null || depth > 3) return null;
  if (shebang.interpreter.endsWith('\r')) return `${file} has Windows line ends: its interpreter reads as ${JSON.stringify(shebang.interpreter)}.`;
  const problem = executableProblem(shebang.interpreter, depth + 1);
  return problem === null ? null : `${file} cannot run because its interpreter cannot: ${problem}`;
}

function mayExecute(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

function readHead(file: string): Buffer | null {
  let descriptor: number;
  try {
    descriptor = openSync(file, 'r');
  } catch {
    return null;
  }
  try {
    const head = Buffer.alloc(4096);
    return head.subarray(0, readSync(descriptor, head, 0, head.length, 0));
  } finally {
    closeSync(descriptor);
  }
}

function elfProblem(file: string, head: Buffer): string | null {
  if (head.length < 64) return `${file} is a damaged executable of ${head.length} bytes.`;
  const littleEndian = head[5] === 1;
  const read16 = (at: number): number => (littleEndian ? head.readUInt16LE(at) : head.readUInt16BE(at));
  const expected = machines[process.arch];
  const machine = read16(18);
  if (expected !== undefined && !expected.includes(machine)) {
    const built = Object.entries(machines).find(([, numbers]) => numbers[0] === machine)?.[0] ?? `machine type ${machine}`;
    return `${file} is built for ${built}; this machine is ${process.arch}.`;
  }
  const loader = /\/[!-~]*\/ld[!-~]*\.so[!-~]*/.exec(head.toString('latin1'))?.[0];
  if (loader !== undefined && !existsSync(loader)) return `${file} needs the program loader ${loader}, which does not exist: it is built for another C library.`;
  return null;
}

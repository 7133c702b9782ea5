import { randomBytes } from 'node:crypto';
import { linkSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** A random name of this home, 16 hex digits, made once and kept in `run/.home-id`. */
export function homeId(home: string): string {
  const path = join(home, 'run', '.home-id');
  return read(path) ?? make(path);
}

function read(path: string): string | null {
  try {
    const text = readFileSync(path, 'utf8').trim();
    return /^[0-9a-f]{16}$/.test(text) ? text : null;
  } catch {
    return null;
  }
}

function make(path: string): string {
  mkdirSync(join(path, '..'), { recursive: true, mode: 0o700 });
  const fresh = `${path}.${process.pid}`;
  const id = randomBytes(8).toString('hex');
  writeFileSync(fresh, `${id}\n`, { mode: 0o600 });
  // What is there and cannot be read as an id was cut off while it was written: nothing was ever labelled with it.
  rmSync(path, { force: true });
  linkSync(fresh, path);
  rmSync(fresh, { force: true });
  return id;
}

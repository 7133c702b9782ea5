import { closeSync, mkdirSync, openSync } from 'node:fs';
import { join } from 'node:path';
import type { Peer } from '../peers/peer.js';
import { fileBytes } from '../tools/file-bytes.js';
import { startInBackground } from '../tools/run-command.js';
import { waitUntil } from '../tools/wait-until.js';

export const bytesPerLine = 102;

/** Lines that did not come for so long are lost: some supervisors drop what is in the pipe when its writer exits. */
const givenUpAfterMs = 10_000;

export class LinesLost extends Error {}

/** Numbered lines of 102 bytes at full speed. */
const writer = (lines: number): string => `exec seq -f %0101.0f ${lines}`;

/** Seconds from the start of a service that writes so many lines until all of them are in its file; null: it keeps none. @throws LinesLost */
export async function measureLogLines(peer: Peer, folder: string, lines: number): Promise<number | null> {
  mkdirSync(folder, { recursive: true });
  const supervisor = await peer.prepare({ folder, services: [{ name: 'writer', command: writer(lines) }], restart: false });
  try {
    const { outputBytes } = supervisor;
    if (outputBytes === null) return null;
    const beganAtMs = performance.now();
    await supervisor.start();
    let bytes = 0;
    let grewAtMs = performance.now();
    await waitUntil('all lines', () => {
      const now = outputBytes('writer');
      if (now > bytes) grewAtMs = performance.now();
      bytes = now;
      if (performance.now() - grewAtMs > givenUpAfterMs) {
        throw new LinesLost(`${lines - Math.floor(bytes / bytesPerLine)} of ${lines} lines never came to its file`);
      }
      return bytes >= lines * bytesPerLine;
    }, 120_000, 2);
    return (performance.now() - beganAtMs) / 1000;
  } finally {
    await supervisor.stop();
  }
}

/** The same program straight to a file: what the machine can do. */
export async function measureStraightToFile(folder: string, lines: number): Promise<number> {
  mkdirSync(folder, { recursive: true });
  const path = join(folder, 'lines');
  const file = openSync(path, 'a');
  const beganAtMs = performance.now();
  const { ended } = startInBackground({ file: '/bin/sh', args: ['-c', writer(lines)] }, file);
  await waitUntil('all lines', () => fileBytes(path) >= lines * bytesPerLine, 120_000, 2);
  const seconds = (performance.now() - beganAtMs) / 1000;
  await ended;
  closeSync(file);
  return seconds;
}

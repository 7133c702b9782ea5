import type { LogStream } from './log-stream.js';

const searchBytes = 64 * 1024;

/** The last line end in the live file among the `within` bytes before `position`; null where there is none. */
export async function lineEndBefore(stream: LogStream, position: number, within: number): Promise<number | null> {
  const lowest = Math.max(stream.layout.start, position - within);
  for (let until = position; until > lowest; ) {
    const block = await stream.readBefore(until, position, Math.min(searchBytes, until - lowest));
    if (block === null) break;
    const found = block.bytes.lastIndexOf(10);
    if (found !== -1) return block.at + found + 1;
    until = block.at;
  }
  return null;
}

import type { LogStream } from './log-stream.js';
import { BackwardSplitter, type RawLine } from './split-lines.js';

/** No more than this is read, however long the lines are. */
const mostBytes = 16 * 1024;
const longestText = 2_000;

/** The last `count` lines of the present run as text, oldest first, from the last 16 KiB; long ones are cut. */
export async function lastTexts(stream: LogStream, count: number): Promise<string[]> {
  if (count <= 0) return [];
  const end = (await stream.lookAtOnce()).offset;
  const lowest = Math.max(stream.runStart, end - mostBytes);
  const splitter = new BackwardSplitter(end);
  const lines: RawLine[] = [];
  while (lines.length < count && splitter.next > lowest) {
    const block = await stream.readBefore(splitter.next, end, splitter.next - lowest);
    if (block === null || block.at + block.bytes.length < splitter.next) break;
    lines.push(...splitter.push(block.bytes));
  }
  const first = splitter.flush();
  if (first !== null) lines.push(first);
  return lines.slice(0, count).reverse().map(text);
}

function text(line: RawLine): string {
  const whole = line.bytes.toString('utf8').replace(/\r$/, '');
  return whole.length > longestText ? `${whole.slice(0, longestText)} …` : whole;
}

import { Malformed } from './malformed.js';

const emptyLine = Buffer.from('\r\n\r\n');
const lineFeed = 10;
const carriageReturn = 13;

/** More than 16 KB of headers is what no backend of its own accord reads. */
export const mostHeadBytes = 16 * 1024;

/**
 * Where the head that begins at `at` ends: the place of its empty line's CRLF; −1 when it is not complete.
 * @throws Malformed when it is too long, or when no empty line can make it complete
 */
export function findHeadEnd(bytes: Buffer, at: number): number {
  const found = bytes.indexOf(emptyLine, at);
  const end = found === -1 ? bytes.length : found + 2;
  if (end - at > mostHeadBytes) throw new Malformed(431, `Its headers are longer than ${mostHeadBytes} bytes.`);
  if (found === -1) assertNoBareLineFeed(bytes, at);
  return found === -1 ? -1 : end;
}

/** A head whose lines end in LF alone would never be complete, and its sender would wait for its timeout. */
function assertNoBareLineFeed(bytes: Buffer, at: number): void {
  for (let found = bytes.indexOf(lineFeed, at); found !== -1; found = bytes.indexOf(lineFeed, found + 1)) {
    if (found === at || bytes[found - 1] !== carriageReturn) throw new Malformed(400, 'A line ends in a bare LF.');
  }
}

import { Malformed } from './malformed.js';

/** How the end of a body is told: `length` is −1 when there is no Content-Length. */
export interface Framing { length: number; chunked: boolean }

/** Takes what a Content-Length says. @throws Malformed when it is not one plain number, said once */
export function takeContentLength(framing: Framing, value: string): void {
  if (framing.length !== -1) throw new Malformed(400, 'It has more than one Content-Length.');
  if (value.length === 0 || value.length > 15) throw new Malformed(400, 'Its Content-Length is not a number.');
  let length = 0;
  for (let at = 0; at < value.length; at++) {
    const digit = value.charCodeAt(at) - 48;
    if (digit < 0 || digit > 9) throw new Malformed(400, 'Its Content-Length is not a number.');
    length = length * 10 + digit;
  }
  framing.length = length;
}

/** Takes what a Transfer-Encoding says. @throws Malformed when it is not `chunked`, said once */
export function takeTransferEncoding(framing: Framing, value: string): void {
  if (framing.chunked) throw new Malformed(400, 'It has more than one Transfer-Encoding.');
  if (value.toLowerCase() !== 'chunked') throw new Malformed(400, 'Its Transfer-Encoding is not chunked.');
  framing.chunked = true;
}

/** @throws Malformed when two readers could find the end in two places */
export function assertOneFraming(framing: Framing): void {
  if (framing.chunked && framing.length !== -1) throw new Malformed(400, 'It has both a Content-Length and a Transfer-Encoding.');
}

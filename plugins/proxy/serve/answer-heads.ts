import { findHeadEnd } from '../message/find-head.js';
import { Malformed } from '../message/malformed.js';
import type { RequestHead } from '../message/request-head.js';
import { parseResponseHead, type ResponseHead } from '../message/response-head.js';
import type { JoinedWriter } from './joined-writer.js';

const mostInterim = 32;

/** Reads the heads that a backend sends: interim ones, which it passes on, and the final one. */
export class AnswerHeads {
  #rest: Buffer | null = null;
  #interim = 0;

  /** A byte of an answer has come. */
  get hasBegun(): boolean {
    return this.#rest !== null || this.#interim > 0;
  }

  /** The final head, or that of a switch of protocols, and where in `bytes` it ends; null when it has not come yet. @throws Malformed */
  read(received: Buffer, request: RequestHead, toClient: JoinedWriter): { response: ResponseHead; bytes: Buffer; at: number } | null {
    const bytes = this.#rest === null ? received : Buffer.concat([this.#rest, received]);
    this.#rest = null;
    for (let at = 0; ;) {
      const end = findHeadEnd(bytes, at);
      if (end === -1) {
        if (at < bytes.length) this.#rest = bytes.subarray(at);
        return null;
      }
      const response = parseResponseHead(bytes.toString('latin1', at, end));
      at = end + 2;
      if (response.status === 101 || response.status >= 200) return { response, bytes, at };
      if (++this.#interim > mostInterim) throw new Malformed(400, 'It has too many interim answers.');
      passInterim(response, request, toClient);
    }
  }
}

function passInterim({ status, statusLine, fields }: ResponseHead, { expectsContinue, isHttp10 }: RequestHead, toClient: JoinedWriter): void {
  if (status === 100 ? expectsContinue : !isHttp10) toClient.text(`HTTP/1.1 ${statusLine}\r\n${fields}\r\n`);
}

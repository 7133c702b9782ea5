import { LengthBody, noBody, UntilCloseBody, type BodyReader } from '../message/body-reader.js';
import { ChunkedBody } from '../message/chunked-body.js';
import type { RequestHead } from '../message/request-head.js';
import type { ResponseHead } from '../message/response-head.js';

/** How an answer is read from the backend and written to the client. */
export interface AnswerPlan {
  readonly reader: BodyReader;
  readonly writesChunks: boolean;
  /** Its end is the end of the connection, for clients that know no other way. */
  readonly endsWithConnection: boolean;
}

export function planAnswer(request: RequestHead, response: ResponseHead): AnswerPlan {
  const { status, length, chunked } = response;
  if (request.method === 'HEAD' || status === 204 || status === 304) return { reader: noBody, writesChunks: false, endsWithConnection: false };
  if (!chunked && length !== -1) return { reader: length === 0 ? noBody : new LengthBody(length), writesChunks: false, endsWithConnection: false };
  return { reader: chunked ? new ChunkedBody() : new UntilCloseBody(), writesChunks: !request.isHttp10, endsWithConnection: request.isHttp10 };
}

/** The head that a client gets; it ends with the empty line. */
export function responseForClient(request: RequestHead, response: ResponseHead, plan: AnswerPlan, close: boolean, requestId: string): string {
  const framing = plan.writesChunks ? 'Transfer-Encoding: chunked\r\n' : response.length !== -1 && response.status !== 204 ? `Content-Length: ${response.length}\r\n` : '';
  const connection = close ? 'Connection: close\r\n' : request.isHttp10 ? 'Connection: keep-alive\r\n' : '';
  return `HTTP/1.1 ${response.statusLine}\r\n${response.fields}${framing}X-Request-Id: ${requestId}\r\n${connection}\r\n`;
}

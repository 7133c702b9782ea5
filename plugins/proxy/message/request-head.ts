import { assertOneFraming, takeContentLength, takeTransferEncoding, type Framing } from './body-length.js';
import { isPath, isQuery, isToken } from './characters.js';
import { takeConnection, type ConnectionOptions } from './connection-options.js';
import { FieldLines, withoutFields } from './field-lines.js';
import { Malformed } from './malformed.js';

/** The head of a request that has exactly one reading. */
export interface RequestHead extends Framing {
  readonly method: string;
  /** As sent: a path, and a query if there is one. */
  readonly target: string;
  /** How much of `target` is the path. */
  readonly pathLength: number;
  readonly isHttp10: boolean;
  /** As sent; empty only for HTTP/1.0. */
  host: string;
  /** The client wants to use its connection again. */
  keepAlive: boolean;
  /** It asks for a WebSocket. */
  upgrade: boolean;
  expectsContinue: boolean;
  takesTrailers: boolean;
  /** Empty when there is none, or none that can be used. */
  requestId: string;
  accept: string;
  /** The header lines for the backend, except Host and what belongs to one connection, says where it came from or frames it. */
  fields: string;
}

const [slash, questionMark, space] = [47, 63, 32];
const hostShape = /^(?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?$/;
const requestIdShape = /^[\w.:-]{1,128}$/;

/**
 * Reads the head of a request: its lines, each with its CRLF, without the empty one; a byte is a character.
 * @throws Malformed for whatever two programs could understand in two ways
 */
export function parseRequestHead(text: string): RequestHead {
  let at = 0;
  while (isToken[text.charCodeAt(at)] === 1) at++;
  if (at === 0 || text.charCodeAt(at) !== space) throw new Malformed(400, 'It does not begin with a method and a space.');
  const method = text.slice(0, at);
  const start = ++at;
  if (text.charCodeAt(at) !== slash) throw new Malformed(400, 'What it asks for does not begin with a slash.');
  while (isPath[text.charCodeAt(at)] === 1) at++;
  const pathLength = at - start;
  if (text.charCodeAt(at) === questionMark) while (isQuery[text.charCodeAt(at)] === 1) at++;
  const target = text.slice(start, at);
  const isHttp10 = text.startsWith(' HTTP/1.0\r\n', at);
  if (!isHttp10 && !text.startsWith(' HTTP/1.1\r\n', at)) throw new Malformed(400, 'Its first line does not end in HTTP/1.1 or HTTP/1.0.');
  if (method === 'CONNECT' || method === 'TRACE') throw new Malformed(405, `The method ${method} is not served.`);
  return readFields(text, at + 11, { method, target, pathLength, isHttp10 });
}

function readFields(text: string, start: number, line: Pick<RequestHead, 'method' | 'target' | 'pathLength' | 'isHttp10'>): RequestHead {
  const head: RequestHead = {
    method: line.method, target: line.target, pathLength: line.pathLength, isHttp10: line.isHttp10,
    host: '', keepAlive: true, upgrade: false, expectsContinue: false, takesTrailers: false, requestId: '', accept: '', fields: '', length: -1, chunked: false,
  };
  const connection: ConnectionOptions = { close: false, keepAlive: false, upgrade: false, named: null };
  const fields = new FieldLines(text, start);
  let upgrade = '';
  while (fields.next()) {
    if (fields.name === 'upgrade') upgrade = fields.value;
    if (takeField(head, connection, fields)) fields.drop();
  }
  assertOneFraming(head);
  if (head.isHttp10 && head.chunked) throw new Malformed(400, 'It has a Transfer-Encoding, which HTTP/1.0 has not.');
  if (!head.isHttp10 && head.host === '') throw new Malformed(400, 'It has no Host.');
  head.fields = connection.named === null ? fields.kept : withoutFields(fields.kept, connection.named);
  head.keepAlive = !connection.close && (!head.isHttp10 || connection.keepAlive);
  // Any other protocol is not switched to: behind "h2c" anything could be sent past these checks.
  head.upgrade = connection.upgrade && upgrade.toLowerCase() === 'websocket' && !head.isHttp10;
  if (head.upgrade && (head.chunked || head.length > 0)) throw new Malformed(400, 'It asks for a WebSocket and has a body.');
  return head;
}

/** Takes what concerns the proxy from a header. True: it is not passed on as it is. */
function takeField(head: RequestHead, connection: ConnectionOptions, fields: FieldLines): boolean {
  switch (fields.name) {
    case 'host':
      assertPlain(fields);
      if (head.host !== '') throw new Malformed(400, 'It has more than one Host.');
      head.host = fields.value;
      if (!hostShape.test(head.host)) throw new Malformed(400, 'Its Host is not the name of a host.');
      return true;
    case 'content-length':
      assertPlain(fields);
      takeContentLength(head, fields.value);
      return true;
    case 'transfer-encoding':
      assertPlain(fields);
      takeTransferEncoding(head, fields.value);
      return true;
    case 'connection':
      takeConnection(connection, fields.value);
      return true;
    case 'expect':
      if (fields.value.toLowerCase() !== '100-continue') throw new Malformed(417, 'It expects something else than 100-continue.');
      head.expectsContinue = !head.isHttp10;
      return true;
    case 'te':
      head.takesTrailers ||= /(?:^|[\s,])trailers(?:$|[\s,;])/i.test(fields.value);
      return true;
    case 'accept':
      head.accept = fields.value;
      return false;
    case 'x-request-id':
      if (head.requestId === '' && requestIdShape.test(fields.value)) head.requestId = fields.value;
      return true;
    case 'upgrade': case 'keep-alive': case 'proxy-connection': case 'proxy-authorization': case 'http2-settings':
    case 'forwarded': case 'x-real-ip':
      return true;
    default:
      return fields.name.startsWith('x-forwarded-');
  }
}

function assertPlain(fields: FieldLines): void {
  if (fields.hasUnderscore) throw new Malformed(400, `A header is ${fields.name} with an underscore.`);
}

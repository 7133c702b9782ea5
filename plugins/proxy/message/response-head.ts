import { assertOneFraming, takeContentLength, takeTransferEncoding, type Framing } from './body-length.js';
import { isFieldValue } from './characters.js';
import { takeConnection, type ConnectionOptions } from './connection-options.js';
import { FieldLines, withoutFields } from './field-lines.js';
import { Malformed } from './malformed.js';

/** The head of a backend's answer that has exactly one reading. */
export interface ResponseHead extends Framing {
  readonly status: number;
  /** From the status on, such as `200 OK`. */
  readonly statusLine: string;
  /** The backend will take another request on this connection. */
  keepAlive: boolean;
  /** For how long the backend keeps an idle connection, in milliseconds; −1 when it does not say. */
  keepAliveMs: number;
  /** What it switches to, in lower case; empty for nothing. */
  upgrade: string;
  fields: string;
}

const [zero, nine, space] = [48, 57, 32];
const lineShape = /^HTTP\/1\.([01]) ([1-5][0-9]{2})/;

/** Like `parseRequestHead`. @throws Malformed */
export function parseResponseHead(text: string): ResponseHead {
  const status = (text.charCodeAt(9) - zero) * 100 + (text.charCodeAt(10) - zero) * 10 + text.charCodeAt(11) - zero;
  if (!lineShape.test(text)) throw new Malformed(400, 'Its first line is not that of HTTP/1.1 or HTTP/1.0.');
  let at = 12;
  const code = text.charCodeAt(at);
  if (code >= zero && code <= nine) throw new Malformed(400, 'Its status is not a number of three digits.');
  if (code === space) while (isFieldValue[text.charCodeAt(at)] === 1) at++;
  if (!text.startsWith('\r\n', at)) throw new Malformed(400, 'Its first line has a control character, or ends in a bare CR or LF.');
  const isHttp10 = text.charCodeAt(7) === zero;
  const head: ResponseHead = { status, statusLine: text.slice(9, at), keepAlive: true, keepAliveMs: -1, upgrade: '', fields: '', length: -1, chunked: false };
  const connection: ConnectionOptions = { close: false, keepAlive: false, upgrade: false, named: null };
  const fields = new FieldLines(text, at + 2);
  while (fields.next()) if (takeField(head, connection, fields)) fields.drop();
  assertOneFraming(head);
  if (isHttp10 && head.chunked) throw new Malformed(400, 'It has a Transfer-Encoding, which HTTP/1.0 has not.');
  head.fields = connection.named === null ? fields.kept : withoutFields(fields.kept, connection.named);
  head.keepAlive = !connection.close && (!isHttp10 || connection.keepAlive);
  if (!connection.upgrade) head.upgrade = '';
  return head;
}

function takeField(head: ResponseHead, connection: ConnectionOptions, fields: FieldLines): boolean {
  switch (fields.name) {
    case 'content-length':
      if (fields.hasUnderscore) return true;
      takeContentLength(head, fields.value);
      return true;
    case 'transfer-encoding':
      if (fields.hasUnderscore) return true;
      takeTransferEncoding(head, fields.value);
      return true;
    case 'connection':
      takeConnection(connection, fields.value);
      return true;
    case 'keep-alive': {
      const seconds = /timeout=(\d{1,6})/i.exec(fields.value)?.[1];
      if (seconds !== undefined) head.keepAliveMs = Number(seconds) * 1000;
      return true;
    }
    case 'upgrade':
      head.upgrade = fields.value.toLowerCase();
      return true;
    case 'proxy-connection': case 'proxy-authenticate': case 'te': case 'x-request-id':
      return true;
    default:
      return false;
  }
}

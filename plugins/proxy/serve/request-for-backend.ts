import { withoutFields } from '../message/field-lines.js';
import type { RequestHead } from '../message/request-head.js';
import type { CompiledRoute } from '../routes/compiled-route.js';
import type { RouteEndpoint } from '../routes/route-table.js';

/** The head that a backend gets; it ends with the empty line. */
export function requestForBackend(request: RequestHead, { route, host, removes, adds }: CompiledRoute, endpoint: RouteEndpoint, origin: string, requestId: string): string {
  const hostLine = host ?? (request.host === '' ? `${endpoint.address}:${endpoint.port}` : request.host);
  const prefix = route.stripPrefix && route.path !== '/' ? `X-Forwarded-Prefix: ${route.path}\r\n` : '';
  let fields = `${request.fields}${origin}${prefix}X-Request-Id: ${requestId}\r\n`;
  if (removes.size > 0) fields = withoutFields(fields, removes);
  return `${request.method} ${targetFor(request, route)} HTTP/1.1\r\nHost: ${hostLine}\r\n${fields}${adds}${framing(request)}${connection(request)}\r\n`;
}

function targetFor({ target }: RequestHead, { stripPrefix, path }: CompiledRoute['route']): string {
  if (!stripPrefix || path === '/') return target;
  const rest = target.slice(path.length);
  return rest.startsWith('/') ? rest : `/${rest}`;
}

function framing({ chunked, length, expectsContinue }: RequestHead): string {
  if (!chunked && length === -1) return '';
  const size = chunked ? 'Transfer-Encoding: chunked\r\n' : `Content-Length: ${length}\r\n`;
  return expectsContinue && (chunked || length > 0) ? `${size}Expect: 100-continue\r\n` : size;
}

function connection({ upgrade, takesTrailers }: RequestHead): string {
  if (upgrade) return 'Connection: Upgrade\r\nUpgrade: websocket\r\n';
  return takesTrailers ? 'TE: trailers\r\nConnection: TE\r\n' : '';
}

/** Says where requests come from. What the client itself said about that was taken out: anybody can say anything. */
export function originLines(clientAddress: string, host: string): string {
  const node = clientAddress.includes(':') ? `"[${clientAddress}]"` : clientAddress;
  const hostLine = host === '' ? '' : `X-Forwarded-Host: ${host}\r\n`;
  const hostPart = host === '' ? '' : `;host="${host}"`;
  return `X-Forwarded-For: ${clientAddress}\r\nX-Forwarded-Proto: http\r\n${hostLine}Forwarded: for=${node}${hostPart};proto=http\r\n`;
}

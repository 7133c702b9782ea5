import { isFieldValueText, isPath, isTokenText } from '../message/characters.js';
import type { Route, RouteTable } from './route-table.js';

/** Headers that the proxy alone decides about, because they say where a message ends or belong to a connection. */
const untouchable = new Set([
  'connection', 'content-length', 'expect', 'http2-settings', 'keep-alive', 'proxy-connection', 'te', 'trailer', 'transfer-encoding', 'upgrade',
]);

/** Why a table cannot be served, as a sentence; null when it can. Nothing of a table that cannot is ever used. */
export function tableProblem(table: RouteTable): string | null {
  if (!Number.isSafeInteger(table.version)) return 'The table has no version.';
  if (!isList(table.routes)) return 'The table has no routes.';
  const owners = new Map<string, Route>();
  const addresses = new Map<string, string>();
  for (const route of table.routes) {
    const problem = routeProblem(route) ?? endpointsProblem(route, addresses);
    if (problem !== null) return `Route ${String(route.id)} of ${String(route.service)}: ${problem}`;
    const place = `${route.host ?? '*'} ${route.path}`;
    const owner = owners.get(place);
    if (owner !== undefined) return `Routes ${owner.id} of ${owner.service} and ${route.id} of ${route.service} are both for ${route.host ?? 'any host'} and ${route.path}.`;
    owners.set(place, route);
  }
  return null;
}

function routeProblem(route: Route): string | null {
  if (typeof route.id !== 'string' || typeof route.service !== 'string') return 'it has no id or no service.';
  if (route.host !== null && (typeof route.host !== 'string' || route.host === '' || route.host !== route.host.toLowerCase())) return 'its host is not a name in lower case.';
  if (typeof route.path !== 'string' || !route.path.startsWith('/')) return 'its path does not begin with a slash.';
  if (route.path !== '/' && route.path.endsWith('/')) return 'its path ends in a slash.';
  for (const character of route.path) if (isPath[character.charCodeAt(0)] !== 1) return 'its path has a character that no request can have there.';
  if (typeof route.stripPrefix !== 'boolean') return 'it does not say whether its path is taken off.';
  if (!(route.timeoutMs > 0)) return 'its timeout is not a number of milliseconds above 0.';
  if (!isList(route.endpoints)) return 'it has no list of endpoints.';
  return headersProblem(route);
}

function headersProblem({ headers }: Route): string | null {
  if (typeof headers?.add !== 'object' || !isList(headers.remove)) return 'its headers are not {add, remove}.';
  for (const name of [...Object.keys(headers.add), ...headers.remove]) {
    if (typeof name !== 'string' || !isTokenText(name)) return `${JSON.stringify(name)} is not the name of a header.`;
    if (untouchable.has(name.toLowerCase())) return `the header ${name} belongs to the proxy and is neither added nor removed.`;
  }
  if (headers.remove.some((name) => name.toLowerCase() === 'host')) return 'the header Host can be replaced and not removed.';
  for (const [name, value] of Object.entries(headers.add)) {
    if (typeof value !== 'string' || !isFieldValueText(value) || !isByteText(value)) return `the value of the header ${name} has a character that is not allowed in it.`;
  }
  return null;
}

function isByteText(text: string): boolean {
  for (let at = 0; at < text.length; at++) if (text.charCodeAt(at) > 255) return false;
  return true;
}

function endpointsProblem({ endpoints }: Route, addresses: Map<string, string>): string | null {
  for (const { id, address, port } of endpoints) {
    if (typeof id !== 'string' || id === '') return 'an endpoint has no id.';
    if (typeof address !== 'string' || address === '') return `endpoint ${id} has no address.`;
    if (!Number.isInteger(port) || port < 1 || port > 65535) return `endpoint ${id} has no port.`;
    const place = `${address} ${port}`;
    if ((addresses.get(id) ?? place) !== place) return `endpoint ${id} has two addresses.`;
    addresses.set(id, place);
  }
  return null;
}

/** A table comes from another process. `Array.isArray` would take the types of its elements away. */
function isList(value: unknown): boolean {
  return Array.isArray(value);
}

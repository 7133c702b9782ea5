import type { Service } from '../../shared/protocol/results.js';

/** Where services are to be found, one line each: their routes as URLs, else their ports. Nothing for those with neither. */
export function renderWhereabouts(services: readonly Service[]): string[] {
  const found = services.filter(({ state }) => state === 'running').map((service): [string, string[]] => [service.fqn, addresses(service)]);
  const shown = found.filter(([, each]) => each.length > 0);
  const widest = shown.reduce((width, [fqn]) => Math.max(width, fqn.length), 0);
  return shown.map(([fqn, each]) => `${fqn.padEnd(widest)}  ${each.join('  ')}`);
}

function addresses({ routes, ports }: Service): string[] {
  const urls = routes.filter((route) => /^https?:/.test(route));
  if (urls.length > 0) return urls;
  const only = Object.keys(ports).length === 1;
  return Object.entries(ports).map(([name, port]) => {
    if (name === 'http' || name === 'https') return `${name}://127.0.0.1:${port}/`;
    return only ? `127.0.0.1:${port}` : `${name} 127.0.0.1:${port}`;
  });
}

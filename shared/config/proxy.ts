import { z } from 'zod';
import { portReference } from './ports.js';
import { flag, oneOrMany, positiveDuration, text, texts } from './schema-parts.js';
import type { ProxyListenSpec, RouteSpec } from './service-spec.js';

const hostName = /^(?=.{1,253}$)(\*\.)?[a-z0-9_]([a-z0-9_-]{0,62})?(\.[a-z0-9_]([a-z0-9_-]{0,62})?)*$|^\[[0-9a-f:]+\]$/i;
const headerName = () => z.string().regex(/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/, { error: 'is not the name of an HTTP header' });

export const routeSchema = z.strictObject({
  host: z
    .string()
    .regex(hostName, { error: 'is not a host name: write it as in app.example.com, without http:// and without a port' })
    .optional()
    .describe('Only requests for this host; any host by default.'),
  path: text()
    .max(2048)
    .regex(/^\//, { error: 'must start with /' })
    .regex(/^[^?#\s\\]*$/, { error: 'must be a plain path, without ?, #, \\ and spaces' })
    .refine((path) => !path.split('/').some((part) => part === '..' || part === '.'), { error: 'must not contain . or .. segments' })
    .prefault('/')
    .describe('Only requests for this path and what is below it.'),
  port: portReference().optional().describe('A port of the service by name or as {{runtime.port.<name>}}; `http` or the only one by default.'),
  strip_prefix: flag().prefault(false).describe('Take `path` off before the service sees the request.'),
  timeout: positiveDuration().prefault('60s').describe('How long the service may stay silent.'),
  headers: z
    .strictObject({
      add: texts(headerName()).prefault({}).describe('Headers to set on the request.'),
      remove: z.array(headerName()).prefault([]).describe('Headers to take off the request.'),
    })
    .prefault({})
    .describe('Changes to the request\'s headers.'),
});

export const routesSchema = oneOrMany(routeSchema);

export const proxyListenSchema = z.strictObject({
  bind: oneOrMany(
    z.string().regex(/^(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9.-]+|\*)?:\d{1,5}$/, { error: 'is not an address: write host:port, such as 127.0.0.1:8080' }),
  )
    .prefault(['127.0.0.1:8080'])
    .describe('Where to listen.'),
});

export function normaliseRoute(route: z.output<typeof routeSchema>, port: string): RouteSpec {
  return {
    host: route.host?.toLowerCase() ?? null,
    path: plainPath(route.path),
    port,
    stripPrefix: route.strip_prefix,
    timeoutMs: route.timeout,
    headers: route.headers,
  };
}

/** A trailing slash says nothing: `/api/` is `/api`. */
export function plainPath(path: string): string {
  return path === '/' ? path : path.replace(/\/+$/, '') || '/';
}

export function normaliseProxyListen(proxy: z.output<typeof proxyListenSchema>): ProxyListenSpec {
  return { bind: proxy.bind };
}

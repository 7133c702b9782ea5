import type { PluginManifest } from '../shared/protocol/link.js';
import { runTag } from './run-processes.js';

/** What any program may need to find its way; nothing in it is a secret by custom. */
const passedOn = [
  'PATH', 'HOME', 'USER', 'LOGNAME', 'SHELL', 'TMPDIR', 'TZ', 'LANG', 'LC_*', 'XDG_RUNTIME_DIR', 'MALLOC_ARENA_MAX',
  'SSL_CERT_FILE', 'SSL_CERT_DIR', 'NODE_EXTRA_CA_CERTS', 'HTTP_PROXY', 'HTTPS_PROXY', 'NO_PROXY', 'http_proxy', 'https_proxy', 'no_proxy',
];

export interface PluginPlace {
  readonly home: string;
  readonly dataDir: string;
  readonly run: string;
  /** Where its link is: an inherited descriptor, or a socket and the token to introduce itself with. */
  readonly link: { readonly fd: number } | { readonly socket: string; readonly token: string };
}

/** The whole environment of a plugin: the usual variables, those its manifest names, and where it finds the daemon. */
export function pluginEnvironment(
  manifest: PluginManifest, place: PluginPlace, own: Readonly<Record<string, string | undefined>>,
): Record<string, string> {
  const allowed = [...passedOn, ...manifest.environment];
  const environment: Record<string, string> = {};
  for (const [name, value] of Object.entries(own)) {
    if (value !== undefined && allowed.some((pattern) => matches(pattern, name)) && !name.startsWith('HIVE_')) environment[name] = value;
  }
  return {
    ...environment,
    HIVE_HOME: place.home,
    HIVE_PLUGIN: manifest.id,
    HIVE_PLUGIN_DATA: place.dataDir,
    [runTag]: place.run,
    ...('fd' in place.link ? { HIVE_FD: String(place.link.fd) } : { HIVE_SOCKET: place.link.socket, HIVE_TOKEN: place.link.token }),
  };
}

function matches(pattern: string, name: string): boolean {
  return pattern.endsWith('*') ? name.startsWith(pattern.slice(0, -1)) : name === pattern;
}

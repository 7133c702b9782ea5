import { readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { HiveError } from '../../../shared/errors/index.js';
import type { Flavour } from './flavour.js';

export interface Credentials {
  readonly username?: string;
  readonly password?: string;
  readonly identitytoken?: string;
  readonly serveraddress: string;
}

interface ConfigFile {
  readonly auths?: Readonly<Record<string, { readonly auth?: string; readonly identitytoken?: string }>>;
  readonly credHelpers?: Readonly<Record<string, string>>;
  readonly credsStore?: string;
}

type Environment = Readonly<Record<string, string | undefined>>;

/** The registry that an image comes from: `ghcr.io` of `ghcr.io/a/b:1`; null: the engine's default one. */
export function registryOf(image: string): string | null {
  const first = image.split('/', 1)[0] ?? '';
  return image.includes('/') && (/[.:]/.test(first) || first === 'localhost') ? first : null;
}

/**
 * What the user's own tools log in to the image's registry with; null: nothing, the image is public. A helper program
 * (`docker-credential-…`) is asked where the file names one. Secrets pass through memory only.
 * @throws HiveError SPAWN_FAILED when a helper fails
 */
export async function credentialsFor(image: string, flavour: Flavour, environment: Environment): Promise<Credentials | null> {
  const registry = registryOf(image) ?? flavour.defaultRegistry;
  for (const file of flavour.credentialFiles.flatMap((path) => expand(path, environment) ?? [])) {
    const config = await readConfig(file);
    if (config === null) continue;
    const helper = own(config.credHelpers, registry) ?? config.credsStore;
    const found = helper === undefined ? fromFile(config, registry) : await fromHelper(helper, registry, environment);
    if (found !== null) return found;
  }
  return null;
}

function fromFile({ auths = {} }: ConfigFile, registry: string): Credentials | null {
  const key = Object.keys(auths).find((name) => bare(name) === bare(registry));
  const entry = key === undefined ? undefined : auths[key];
  if (entry === undefined) return null;
  if (entry.identitytoken !== undefined && entry.identitytoken !== '') return { identitytoken: entry.identitytoken, serveraddress: registry };
  const [username, ...password] = Buffer.from(entry.auth ?? '', 'base64').toString().split(':');
  return username === undefined || username === '' ? null : { username, password: password.join(':'), serveraddress: registry };
}

async function fromHelper(helper: string, registry: string, environment: Environment): Promise<Credentials | null> {
  if (!/^[\w.-]+$/.test(helper)) return null;
  const { execa } = await import('execa');
  const program = `docker-credential-${helper}`;
  const { exitCode, stdout, stderr, failed, shortMessage } = await execa(program, ['get'], { input: registry, env: environment, extendEnv: false, reject: false, timeout: 30_000 });
  if (exitCode !== undefined && exitCode !== 0 && /not found/i.test(stdout + stderr)) return null;
  // Without what it wrote to stdout, where the secret would be.
  if (failed) throw new HiveError('SPAWN_FAILED', `The credential helper ${program} failed for ${registry}: ${stderr === '' ? shortMessage : stderr.trim()}`, { next: `Try it by hand: echo ${registry} | ${program} get` });
  const { Username, Secret } = JSON.parse(stdout) as { Username?: string; Secret?: string };
  if (Secret === undefined) return null;
  return Username === '<token>' ? { identitytoken: Secret, serveraddress: registry } : { username: Username ?? '', password: Secret, serveraddress: registry };
}

async function readConfig(path: string): Promise<ConfigFile | null> {
  try {
    const value = JSON.parse(await readFile(path, 'utf8')) as unknown;
    return typeof value === 'object' && value !== null ? (value) : null;
  } catch {
    return null;
  }
}

function expand(path: string, environment: Environment): string | null {
  const variable = /^\$(\w+)/.exec(path)?.[1];
  if (variable === undefined) return path.replace(/^~/, environment['HOME'] ?? homedir());
  const value = environment[variable];
  return value === undefined || value === '' ? null : value + path.slice(variable.length + 1);
}

/** `https://index.docker.io/v1/` and `docker.io` are one registry, however it is written. */
function bare(registry: string): string {
  const host = registry.replace(/^https?:\/\//, '').replace(/\/.*$/, '');
  return host === 'index.docker.io' || host === 'registry-1.docker.io' ? 'docker.io' : host;
}

function own<Value>(record: Readonly<Record<string, Value>> | undefined, key: string): Value | undefined {
  return record !== undefined && Object.hasOwn(record, key) ? record[key] : undefined;
}

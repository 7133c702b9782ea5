import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { EnvironmentSpec, ServiceSpec, SourceSpec } from '../../shared/config/service-spec.js';

/** SHA-256 by path of every dotenv file of a source; `absent` for one that cannot be read. */
export type DotenvDigests = Readonly<Record<string, string>>;

/** The dotenv files that the services of a source read when they start, each once. */
export function dotenvFiles(spec: SourceSpec): string[] {
  return [...new Set([...filesOf(spec.environment), ...spec.services.flatMap((service) => filesOf(service.environment.service))])];
}

/** Only digests are kept: the contents are secrets. */
export async function digestFiles(files: readonly string[]): Promise<DotenvDigests> {
  const digests = files.map(async (file) => [file, await digestOf(file)] as const);
  return Object.fromEntries(await Promise.all(digests));
}

/**
 * The same source with the content of its dotenv files counted into the hashes: what such a file says is part of what an
 * instance is made of.
 */
export function withDotenv(spec: SourceSpec, digests: DotenvDigests): SourceSpec {
  if (Object.keys(digests).length === 0) return spec;
  return Object.freeze({ ...spec, services: Object.freeze(spec.services.map((service) => counted(service, digests))) });
}

function counted(spec: ServiceSpec, digests: DotenvDigests): ServiceSpec {
  const files = [...filesOf(spec.environment.source), ...filesOf(spec.environment.service)];
  if (files.length === 0) return spec;
  const content = files.map((file) => digests[file] ?? 'absent').join(' ');
  const both = (hash: string) => createHash('sha256').update(`${hash} ${content}`).digest('hex');
  return Object.freeze({ ...spec, specHash: both(spec.specHash), instanceHash: both(spec.instanceHash) });
}

function filesOf(environment: EnvironmentSpec): string[] {
  return environment.providers.flatMap((provider) => provider.files);
}

async function digestOf(file: string): Promise<string> {
  try {
    return createHash('sha256').update(await readFile(file)).digest('hex');
  } catch {
    return 'absent';
  }
}

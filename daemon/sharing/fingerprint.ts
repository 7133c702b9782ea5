import { createHash, randomBytes } from 'node:crypto';
import type { ServiceSpec } from '../../shared/config/service-spec.js';
import { canonicalJson } from '../../shared/config/spec-hash.js';
import type { Share } from './resolve-uses.js';

/** What is kept of injected values, to tell later whether they are others: `<salt> <SHA-256>`, never the values. */
export type Fingerprint = string;

/** Over the variables, and over those ports of the provider that the consumer's templates name. */
export function fingerprint(share: Share, consumer: ServiceSpec, salt = randomBytes(12).toString('base64')): Fingerprint {
  const named = portsNamed(consumer, share.alias);
  const ports = Object.fromEntries(Object.entries(share.ports).filter(([name]) => named.has(name)));
  return `${salt} ${createHash('sha256').update(salt).update(canonicalJson({ variables: share.variables, ports })).digest('base64')}`;
}

export function fits(remembered: Fingerprint, share: Share, consumer: ServiceSpec): boolean {
  return remembered === fingerprint(share, consumer, remembered.split(' ')[0]);
}

/** A thousand consumers are looked at for each step of what they use; their specs never change. */
const references = new WeakMap<ServiceSpec, readonly { readonly alias: string; readonly port: string }[]>();

/** The ports in `{{uses.<alias>.port.<name>}}` anywhere in the spec. */
function portsNamed(spec: ServiceSpec, alias: string): Set<string> {
  let found = references.get(spec);
  if (found === undefined) {
    const { runner, environment, healthcheck, proxy, hooks, expose } = spec;
    const text = JSON.stringify([runner, environment, healthcheck, proxy, hooks, expose]);
    found = [...text.matchAll(/\{\{\s*uses\.([^\s.{}]+)\.port\.([^\s.{}]+)\s*\}\}/g)].map(([, of = '', port = '']) => ({ alias: of, port }));
    references.set(spec, found);
  }
  return new Set(found.filter((one) => one.alias === alias).map(({ port }) => port));
}

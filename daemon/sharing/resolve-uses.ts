import { nearestName } from '../../shared/config/nearest-name.js';
import { resolveRuntime } from '../../shared/config/runtime-template.js';
import type { ExposeSpec, UseSpec } from '../../shared/config/service-spec.js';
import { toHiveError } from '../../shared/errors/index.js';
import { judgeDependency, type DependencyView } from '../supervisor/dependency-gate.js';

/** `unchecked`: the comparison is under way; `failed`: it could not be made. */
export type SecretVerdict = 'fits' | 'missing' | 'differs' | 'unchecked' | 'failed';

/** What is looked at of a service that exposes something. */
export interface Provider extends DependencyView {
  readonly fqn: string;
  readonly expose: ExposeSpec;
  readonly ports: Readonly<Record<string, number>>;
  /** The ports of what it uses itself, by alias. */
  readonly usedPorts: Readonly<Record<string, Readonly<Record<string, number>>>>;
}

/** What one entry of `uses` brings. */
export interface Share {
  readonly name: string;
  readonly alias: string;
  /** Already renamed. */
  readonly variables: Readonly<Record<string, string>>;
  readonly ports: Readonly<Record<string, number>>;
}

export type Resolution =
  | { readonly kind: 'ready'; readonly shares: readonly Share[] }
  /** `blocked`: somebody has to act before it goes on. */
  | { readonly kind: 'closed'; readonly on: string; readonly blocked: boolean };

export interface Neighbours {
  provider(name: string): Provider | undefined;
  /** Every name that is exposed. */
  names(): Iterable<string>;
  verdict(provider: Provider, use: UseSpec): SecretVerdict;
  /** The way on which the provider waits for the consumer itself, from the one to the other; null: it does not. */
  circle(provider: Provider): readonly string[] | null;
}

type Obstacle = { readonly sentence: string; readonly blocked: boolean };

/** What everything that `consumer` (a full name) uses brings, or the sentence that names all that is missing. Pure. */
export function resolveUses(consumer: string, uses: readonly UseSpec[], around: Neighbours): Resolution {
  const shares: Share[] = [];
  const obstacles: Obstacle[] = [];
  for (const use of uses) {
    const provider = around.provider(use.name);
    const found = provider === undefined ? unknownName(use.name, around.names()) : obstacleOf(consumer, use, provider, around) ?? shareOf(use, provider);
    if ('sentence' in found) obstacles.push(found);
    else shares.push(found);
  }
  if (obstacles.length === 0) return { kind: 'ready', shares };
  return { kind: 'closed', on: `waiting for ${obstacles.map(({ sentence }) => sentence).join(' and for ')}`, blocked: obstacles.some(({ blocked }) => blocked) };
}

/** Whether a provider is there to be used: it runs, and is healthy where it has checks. */
export function isUp(provider: DependencyView): boolean {
  return provider.state === 'running' && (provider.healthy === true || !provider.hasHealthCheck);
}

/** The exposed variables with the provider's ports filled in, under the names that the consumer asked for. */
export function shareOf(use: UseSpec, provider: Provider): Share | Obstacle {
  const variables: Record<string, string> = {};
  for (const [name, template] of Object.entries(provider.expose.vars)) {
    const here = Object.hasOwn(use.vars, name) ? use.vars[name] ?? name : name;
    try {
      variables[here] = resolveRuntime(template, { ports: provider.ports, uses: provider.usedPorts });
    } catch (thrown) {
      return { sentence: `${label(provider)}, whose ${name} cannot be filled in: ${toHiveError(thrown).message.replace(/\.$/, '')}`, blocked: true };
    }
  }
  return { name: use.name, alias: use.as, variables, ports: provider.ports };
}

function obstacleOf(consumer: string, use: UseSpec, provider: Provider, around: Neighbours): Obstacle | null {
  return secretObstacle(consumer, use, provider, around) ?? renameObstacle(consumer, use, provider) ?? downObstacle(provider, around);
}

function secretObstacle(consumer: string, use: UseSpec, provider: Provider, around: Neighbours): Obstacle | null {
  const who = label(provider);
  switch (around.verdict(provider, use)) {
    case 'fits':
      return null;
    case 'missing':
      return { sentence: `${who}, which wants a secret: give it one under uses of ${consumer}`, blocked: true };
    case 'differs':
      return { sentence: `${who}, whose secret is another one: look at the secret under uses of ${consumer}, and under expose of ${provider.fqn}`, blocked: true };
    case 'unchecked':
      return { sentence: `the secret of ${who} to be compared`, blocked: false };
    case 'failed':
      return { sentence: `${who}: the secrets could not be compared, see hived.log`, blocked: true };
  }
}

function renameObstacle(consumer: string, use: UseSpec, provider: Provider): Obstacle | null {
  const there = Object.keys(provider.expose.vars);
  const missing = Object.keys(use.vars).find((name) => !there.includes(name));
  if (missing === undefined) return null;
  const has = there.length === 0 ? 'it shares no variables' : `it shares ${there.join(', ')}`;
  return { sentence: `${label(provider)} to share ${missing}, which ${consumer} renames: ${has}${suggestion(missing, there)}`, blocked: true };
}

function downObstacle(provider: Provider, around: Neighbours): Obstacle | null {
  const who = label(provider);
  if (provider.state === 'completed') return { sentence: `${who}, which has completed and does not run`, blocked: true };
  const verdict = judgeDependency({ name: who, condition: 'healthy', restart: false }, provider);
  if (verdict === 'met') return null;
  const circle = provider.state === 'waiting' ? around.circle(provider) : null;
  return circle === null ? verdict : { sentence: `${who}, which waits for it in turn (${circle.join(' → ')})`, blocked: true };
}

function unknownName(name: string, known: Iterable<string>): Obstacle {
  return { sentence: `${name}, which no service exposes${suggestion(name, [...known])}`, blocked: true };
}

function suggestion(written: string, known: readonly string[]): string {
  const near = nearestName(written, known);
  return near === null ? '' : `; did you mean ${near}?`;
}

/** `shared-postgres (infra:postgres)` */
export function label({ expose, fqn }: Pick<Provider, 'expose' | 'fqn'>): string {
  return `${expose.name} (${fqn})`;
}

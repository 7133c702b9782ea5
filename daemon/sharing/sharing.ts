import type { ServiceSpec, UseSpec } from '../../shared/config/service-spec.js';
import type { Service } from '../../shared/protocol/results.js';
import type { InstanceState } from '../reconciler/instance-state.js';
import type { PendingCause, StateStore } from '../state/state-store.js';
import type { DependencyView, Gate } from '../supervisor/dependency-gate.js';
import type { Need } from '../supervisor/dependency-watch.js';
import type { InstanceActor } from '../supervisor/instance-actor.js';
import { fingerprint, fits } from './fingerprint.js';
import { InjectionRecords, type InjectionRecord } from './injection-records.js';
import { isUp, label, resolveUses, shareOf, type Provider, type Resolution, type SecretVerdict, type Share } from './resolve-uses.js';
import { SecretChecks } from './secret-checks.js';
import { wayBetween } from './waiting-circle.js';

/** What a service gets from those it uses. */
export interface Injection {
  readonly used: Readonly<Record<string, string>>;
  /** By alias and name. */
  readonly usedPorts: Readonly<Record<string, Readonly<Record<string, number>>>>;
}

export interface SharedService {
  readonly spec: ServiceSpec;
  readonly hasHealthCheck: boolean;
  readonly actors: readonly InstanceActor[];
  /** The service by itself, without a word on what it uses. */
  plain(): Service;
  asDependency(): DependencyView;
  touch(): void;
}

export interface SharingWorld {
  service(fqn: string): SharedService | undefined;
  /** Looks again whether an instance that waits may start. */
  checkGate(actor: InstanceActor, cause: PendingCause): void;
  /** What its health checks are made of has changed. */
  watchAnew(actor: InstanceActor, service: SharedService): void;
  warn(sentence: string): void;
}

/** What `exposed.list` shows. */
export interface Exposed {
  name: string;
  source: string;
  service: string;
  state: Service['state'];
  healthy: boolean | null;
  needsSecret: boolean;
  variables: string[];
  ports: string[];
  consumers: string[];
}

/**
 * `expose` and `uses`: who shares what with whom, whether a consumer may start, what it is given, and who is told when a
 * provider moves. The values of a provider are those of its first instance, whatever number of them it runs.
 */
export class Sharing {
  private readonly exposers = new Map<string, string>();
  private readonly users = new Map<string, Set<string>>();
  private readonly records: InjectionRecords;
  /** What the living incarnations were given by this daemon, by instance. */
  private readonly given = new Map<string, Injection>();
  private readonly secrets: SecretChecks;
  /** What made the variables of an instance others, while a secret is compared before it is restarted. */
  private readonly pending = new Map<string, PendingCause>();

  constructor(store: StateStore, private readonly world: SharingWorld) {
    this.records = new InjectionRecords(store);
    this.secrets = new SecretChecks((sentence) => world.warn(sentence));
  }

  add({ fqn, expose, uses }: ServiceSpec): void {
    if (expose !== null) this.exposers.set(expose.name, fqn);
    for (const { name } of uses) this.users.set(name, (this.users.get(name) ?? new Set()).add(fqn));
  }

  /** The spec is not in force any more; `announce` both once its successor, if any, is added. */
  remove({ fqn, expose, uses, specHash }: ServiceSpec): void {
    if (expose !== null && this.exposers.get(expose.name) === fqn) this.exposers.delete(expose.name);
    for (const { name } of uses) this.users.get(name)?.delete(fqn);
    this.secrets.forget(specHash);
  }

  /** Whether everything that a service uses is there, and what it brings. */
  private resolve(spec: ServiceSpec): Resolution {
    if (spec.uses.length === 0) return { kind: 'ready', shares: [] };
    return resolveUses(spec.fqn, spec.uses, {
      provider: (name) => this.provider(name),
      names: () => this.exposers.keys(),
      verdict: (provider, use) => this.verdict(provider, use),
      circle: (provider) => wayBetween(provider.fqn, spec.fqn, (fqn) => this.needs(fqn)),
    });
  }

  gate(spec: ServiceSpec): Gate {
    const resolution = this.resolve(spec);
    return resolution.kind === 'ready' ? { kind: 'open' } : resolution;
  }

  /** What an incarnation is to be launched with, remembered for comparison before it is answered. `closed`: it has to wait. */
  async inject(spec: ServiceSpec, instance: string, incarnation: string): Promise<Injection | 'closed'> {
    const resolution = this.resolve(spec);
    if (resolution.kind === 'closed') return 'closed';
    const injection = injectionOf(resolution.shares);
    if (spec.uses.length === 0) this.forget(instance);
    else {
      this.given.set(instance, injection);
      await this.records.remember(instance, recordOf(incarnation, resolution.shares, spec));
    }
    return injection;
  }

  /**
   * What an instance that runs was given, as far as it is known: a daemon that took it over knows values only while its
   * providers still have the same. Before its launch, what it would be given.
   */
  known(spec: ServiceSpec, instance: string): Injection {
    if (spec.uses.length === 0) return nothing;
    const given = this.given.get(instance);
    if (given !== undefined) return given;
    const record = this.records.get(instance);
    const shares = spec.uses.flatMap((use) => this.present(use) ?? []);
    if (record === undefined) return injectionOf(shares);
    const same = injectionOf(shares.filter((share) => isSame(record, share, spec)));
    return { used: same.used, usedPorts: { ...record.ports, ...same.usedPorts } };
  }

  forget(instance: string): void {
    this.given.delete(instance);
    this.pending.delete(instance);
    this.records.forget(instance);
  }

  /** A service is supervised from now on, and may have been taken over as it runs. */
  begun(service: SharedService, cause: PendingCause): void {
    if (service.spec.uses.length > 0) this.lookAgain(service, cause);
    this.announce(service.spec, cause);
  }

  /** A step of an instance: its service's consumers are told; it is looked at itself when it has come up. */
  stepped(service: SharedService, actor: InstanceActor, before: InstanceState): void {
    if (service.spec.uses.length > 0 && before.kind !== 'running' && actor.state.kind === 'running') this.compare(service, actor, actor.cause);
    if (service.spec.expose !== null) this.tellUsers(service.spec.expose.name, actor.cause);
  }

  /** A spec came, went, or was replaced: who uses it looks again, and who has a name wrong may be told another one. */
  announce({ expose }: ServiceSpec, cause: PendingCause): void {
    if (expose === null) return;
    this.tellUsers(expose.name, cause);
    for (const wanted of this.users.keys()) if (wanted !== expose.name && !this.exposers.has(wanted)) this.tellUsers(wanted, cause);
  }

  /** Those who use it wait on, go on, or start anew where what they were given is not right any more. */
  private tellUsers(name: string, cause: PendingCause): void {
    for (const fqn of this.users.get(name) ?? []) {
      const user = this.world.service(fqn);
      if (user !== undefined) this.lookAgain(user, cause);
    }
  }

  /** What a service uses, as what it needs. */
  needsOf(spec: ServiceSpec): Need[] {
    return spec.uses.map(({ name }): Need => {
      const provider = this.provider(name);
      return {
        key: name,
        fqn: provider?.fqn ?? null,
        who: `${provider === undefined ? name : label(provider)}, which it uses,`,
        gone: 'is gone: no service exposes it',
        condition: 'healthy',
        restart: false,
        passesOn: () => provider !== undefined && wayBetween(provider.fqn, spec.fqn, (fqn) => this.needs(fqn)) === null,
      };
    });
  }

  /** Who uses what a service exposes, or would use it. */
  usersOf({ expose }: ServiceSpec): string[] {
    return expose === null ? [] : [...(this.users.get(expose.name) ?? [])];
  }

  list(): Exposed[] {
    return [...this.exposers].sort(([a], [b]) => (a < b ? -1 : 1)).flatMap(([name, fqn]) => {
      const service = this.world.service(fqn);
      if (service === undefined) return [];
      const { expose, rollout, source } = service.spec;
      const { state, healthy } = service.plain();
      return [{
        name, source, state, healthy,
        service: fqn,
        needsSecret: expose?.secret !== null,
        variables: Object.keys(expose?.vars ?? {}),
        ports: Object.keys(rollout.ports),
        consumers: [...(this.users.get(name) ?? [])].sort(),
      }];
    });
  }

  /** The services to stop after this one, since it uses them. Where services wait for each other in a circle, none outlasts another. */
  outlasting(spec: ServiceSpec): string[] {
    return this.providersOf(spec).filter((fqn) => wayBetween(fqn, spec.fqn, (name) => this.needs(name)) === null);
  }

  private providersOf({ uses }: ServiceSpec): string[] {
    return uses.flatMap(({ name }) => this.exposers.get(name) ?? []);
  }

  private lookAgain(user: SharedService, cause: PendingCause): void {
    user.touch();
    for (const actor of user.actors) {
      if (actor.state.kind === 'waiting') this.world.checkGate(actor, cause);
      else if (actor.state.kind === 'running') this.compare(user, actor, cause);
    }
  }

  /** Restarts a running instance whose variables would be others today; those that cannot be given today count as the same. */
  private compare(user: SharedService, actor: InstanceActor, cause: PendingCause): void {
    if (actor.state.kind !== 'running') return;
    const { spec } = user;
    const shares = spec.uses.flatMap((use) => this.present(use, isUp) ?? []);
    const record = this.records.get(actor.id);
    const { incarnation } = actor.state.process;
    if (record?.incarnation !== incarnation) {
      // State.db was lost: what there is today is what counts as given.
      if (shares.length === spec.uses.length) void this.records.remember(actor.id, recordOf(incarnation, shares, spec));
      return;
    }
    const other = shares.find((share) => !isSame(record, share, spec));
    if (other === undefined) {
      if (!this.given.has(actor.id) && shares.length === spec.uses.length) {
        this.given.set(actor.id, injectionOf(shares));
        if (user.hasHealthCheck) this.world.watchAnew(actor, user);
      }
      return;
    }
    const because = cause ?? this.pending.get(actor.id);
    if (this.resolve(spec).kind === 'ready') {
      this.pending.delete(actor.id);
      actor.post({ kind: 'restart', why: `its variables from ${other.name} changed` }, because);
    } else this.pending.set(actor.id, because);
  }

  /** What an entry of `uses` would bring now, whatever the secrets say. */
  private present(use: UseSpec, counts: (provider: Provider) => boolean = () => true): Share | undefined {
    const provider = this.provider(use.name);
    if (provider === undefined || !counts(provider)) return undefined;
    const share = shareOf(use, provider);
    return 'sentence' in share ? undefined : share;
  }

  private provider(name: string): Provider | undefined {
    const service = this.world.service(this.exposers.get(name) ?? '');
    if (service === undefined || service.spec.expose === null) return undefined;
    const { spec } = service;
    const { fqn, ports } = service.plain();
    return { ...service.asDependency(), fqn, ports, expose: service.spec.expose, usedPorts: this.portsUsedBy(spec) };
  }

  private portsUsedBy({ uses }: ServiceSpec): Injection['usedPorts'] {
    return Object.fromEntries(uses.map(({ name, as }) => [as, this.world.service(this.exposers.get(name) ?? '')?.plain().ports ?? {}]));
  }

  private verdict({ fqn, expose }: Provider, use: UseSpec): SecretVerdict {
    if (expose.secret === null) return 'fits';
    if (use.secret === null) return 'missing';
    const { name } = expose;
    return this.secrets.verdict(this.world.service(fqn)?.spec.specHash ?? '', expose.secret, use.secret, () => this.tellUsers(name, undefined));
  }

  private needs(fqn: string): string[] {
    const service = this.world.service(fqn);
    if (service === undefined) return [];
    const { source, dependsOn } = service.spec;
    return [...this.providersOf(service.spec), ...dependsOn.map(({ name }) => `${source}:${name}`)];
  }
}

const nothing: Injection = { used: {}, usedPorts: {} };

/** Where two entries give the same variable, the later one wins. */
function injectionOf(shares: readonly Share[]): Injection {
  return {
    used: Object.fromEntries(shares.flatMap(({ variables }) => Object.entries(variables))),
    usedPorts: Object.fromEntries(shares.map(({ alias, ports }) => [alias, ports])),
  };
}

function recordOf(incarnation: string, shares: readonly Share[], spec: ServiceSpec): InjectionRecord {
  return {
    incarnation,
    fingerprints: Object.fromEntries(shares.map((share) => [share.alias, fingerprint(share, spec)])),
    ports: injectionOf(shares).usedPorts,
  };
}

function isSame(record: InjectionRecord, share: Share, spec: ServiceSpec): boolean {
  const remembered = record.fingerprints[share.alias];
  return remembered !== undefined && fits(remembered, share, spec);
}

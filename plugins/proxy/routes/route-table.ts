/** A place where an instance of a service answers. */
export interface RouteEndpoint {
  /** Stays the same as long as it is the same instance at the same address. */
  readonly id: string;
  /** A host name or an IP address. */
  readonly address: string;
  readonly port: number;
}

export interface Route {
  readonly id: string;
  /** In lower case, without a port; `*.` in front stands for one or more names; null: any host. */
  readonly host: string | null;
  /** Begins with a slash and ends in none, except `/`. */
  readonly path: string;
  /** Takes `path` off what the service gets to see. */
  readonly stripPrefix: boolean;
  /** How long the service may stay silent. */
  readonly timeoutMs: number;
  /** Changes to the request's headers. `add` replaces. */
  readonly headers: { readonly add: Readonly<Record<string, string>>; readonly remove: readonly string[] };
  /** `source:service` */
  readonly service: string;
  readonly endpoints: readonly RouteEndpoint[];
  /** Why there are no endpoints. */
  readonly reason?: string;
}

/** Everything that a proxy serves from, at one moment. */
export interface RouteTable { readonly version: number; readonly routes: readonly Route[] }

export type Applied = { readonly ok: true } | { readonly ok: false; readonly reason: string };

import type { RpcConnection } from '../../shared/rpc/index.js';

/** Who speaks on a connection. A connection begins as the socket's owner and may become the host's or a plugin's. */
export type Identity =
  | { readonly kind: 'owner' }
  | { readonly kind: 'host' }
  | { readonly kind: 'plugin'; readonly id: string; readonly grants: readonly string[] };

/** One connection, and what it holds until it closes. */
export class Session {
  identity: Identity = { kind: 'owner' };
  private readonly closers = new Map<string, () => void>();
  private subscriptions = 0;

  constructor(readonly id: number) {}

  rpc!: RpcConnection;

  get grants(): readonly string[] {
    switch (this.identity.kind) {
      case 'owner':
        return ['*'];
      case 'host':
        return [];
      case 'plugin':
        return this.identity.grants;
    }
  }

  /** How events name this session as their cause. */
  get by(): string {
    switch (this.identity.kind) {
      case 'owner':
        return 'the operator';
      case 'host':
        return 'the plugin host';
      case 'plugin':
        return `plugin ${this.identity.id}`;
    }
  }

  /** Keeps something open until `release` or until the connection closes. */
  hold(kind: string, close: () => void): string {
    this.subscriptions += 1;
    const key = `${kind}-${this.subscriptions}`;
    this.closers.set(key, close);
    return key;
  }

  release(key: string): void {
    this.closers.get(key)?.();
    this.closers.delete(key);
  }

  releaseAll(): void {
    for (const close of this.closers.values()) close();
    this.closers.clear();
  }
}

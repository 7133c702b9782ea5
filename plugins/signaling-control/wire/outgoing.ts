import { createHmac } from 'node:crypto';
import { typeNames, type Dialect } from './dialect.js';

/** A kind of cocoon as the signaling server gets to know it. */
export interface AnnouncedKind {
  readonly id: string;
  readonly runner_type: string;
  /** What config.md says under `runner.<type>`, without variables. */
  readonly runner_config: Readonly<Record<string, unknown>>;
  readonly image: string;
}

export interface Registration {
  readonly hiveId: string;
  readonly secret: string;
  readonly version: string;
  readonly kinds: readonly AnnouncedKind[];
}

/** How a request ended. `containerId` is the name of the cocoon's service. */
export type RequestResult =
  | { readonly op: 'spawn'; readonly success: true; readonly containerId: string }
  | { readonly op: 'terminate'; readonly success: true }
  | { readonly op: 'spawn' | 'terminate'; readonly success: false; readonly error: string };

export function registerMessage(dialect: Dialect, { hiveId, secret, version, kinds }: Registration): string {
  return JSON.stringify({ type: typeNames.register[dialect], hive_id: hiveId, version, cocoon_kinds: kinds, hive_id_signature: signature(hiveId, secret) });
}

/** Proves that whoever registers knows the secret, without showing it: hex HMAC-SHA256. */
export function signature(hiveId: string, secret: string): string {
  return createHmac('sha256', secret).update(hiveId).digest('hex');
}

export function resultMessage(dialect: Dialect, requestId: string, result: RequestResult): string {
  const type = result.op === 'spawn' ? typeNames.spawnResult[dialect] : typeNames.terminateResult[dialect];
  if (!result.success) return JSON.stringify({ type, request_id: requestId, success: false, error: result.error });
  return JSON.stringify({ type, request_id: requestId, success: true, ...(result.op === 'spawn' ? { container_id: result.containerId } : {}) });
}

import { createHash } from 'node:crypto';
import { dirname } from 'node:path';
import { literalText } from '../../../shared/config/literal-text.js';
import { mergePatch } from '../../../shared/config/merge-patch.js';
import type { Kind } from '../kinds.js';

export interface CocoonOrder {
  readonly requestId: string;
  readonly name: string;
  readonly kind: Kind;
  readonly setupToken: string;
  /** Of the signaling server, for the cocoon's own connection to it. */
  readonly serverUrl: string;
}

/** The source that all cocoons live in. */
export const cocoonSource = 'cocoons';
export const fqnOf = (name: string): string => `${cocoonSource}:${name}`;

/** By this label a service says which request it was made for, so that it is made once whatever is killed in between. */
export const requestLabel = 'cocoon.request';
export const kindLabel = 'cocoon.kind';

/** A request's id as a label: a hash, since the id may hold anything. */
export function requestMark(requestId: string): string {
  return createHash('sha256').update(requestId).digest('hex');
}

/** Where each runner has the compose file that this plugin writes. */
export interface Files { readonly composeFile: (kind: Kind) => string }

/**
 * The configuration of the service that a cocoon is, in the format of hive.yaml. Whatever came from afar is a value here,
 * written so that nothing in it is filled in, and reaches the cocoon by its environment alone.
 */
export function serviceConfig(order: CocoonOrder, files: Files): Record<string, unknown> {
  const { kind, name } = order;
  const made = {
    runner: { type: kind.runner, [kind.runner]: runnerConfig(kind, files, name) },
    rollout: { type: 'recreate', recreate: { ports: { http: 'auto' } } },
    proxy: { path: `/cocoon/${name}`, port: 'http', strip_prefix: true },
    restart: 'on-failure',
  };
  const merged = mergePatch(made, kind.service) as Record<string, unknown>;
  const own = {
    environment: { static: {
      SIGNALING_SERVER_URL: literalText(order.serverUrl),
      COCOON_SETUP_TOKEN: literalText(order.setupToken),
      COCOON_NAME: name,
      COCOON_KIND: kind.id,
    } },
    labels: { [requestLabel]: requestMark(order.requestId), [kindLabel]: kind.id },
  };
  return mergePatch(merged, own) as Record<string, unknown>;
}

/** What stands under `runner.<type>`. A container listens at the same port as the host, so that PORT is right in both. */
export function runnerConfig(kind: Kind, files: Files, name = '<name>'): Record<string, unknown> {
  switch (kind.runner) {
    case 'script': {
      const path = kind.scriptPath ?? '';
      return { run: `exec ${literalText(shellWord(path))}`, working_dir: literalText(dirname(path)) };
    }
    case 'docker':
    case 'podman':
    case 'swarm':
      return { image: literalText(kind.image), ports: ['{{runtime.port.http}}:{{runtime.port.http}}'] };
    case 'compose':
      return { file: literalText(files.composeFile(kind)), service: literalText(kind.composeService), project: `cocoon-${name}` };
  }
}

/** One word for a shell, whatever is in it. */
function shellWord(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

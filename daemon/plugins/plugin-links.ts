import { HiveError } from '../../shared/errors/index.js';
import type { FailedNotice, InitializeAnswer, InitializeRequest, StatusNotice } from '../../shared/protocol/link.js';
import type { PluginSession } from './plugin-daemon.js';
import type { PluginLink } from './plugin-link.js';

/** Which connection is which plugin's. */
export class PluginLinks<Session extends PluginSession> {
  readonly #linkOf = new Map<Session, PluginLink>();
  readonly #sessionOf = new Map<PluginLink, Session>();
  readonly #expected = new Map<string, PluginLink>();

  /** From now on the connection is the plugin's; it may do nothing but introduce itself. */
  attach(session: Session, link: PluginLink): void {
    this.#linkOf.set(session, link);
    this.#sessionOf.set(link, session);
    session.identity = { kind: 'plugin', id: link.manifest.id, grants: [] };
    link.connected(session.rpc);
  }

  /** A plugin will connect by itself and show this token, once. */
  expect(token: string, link: PluginLink): void {
    for (const [old, other] of this.#expected) if (other.manifest.id === link.manifest.id) this.#expected.delete(old);
    this.#expected.set(token, link);
  }

  /** The first message of a plugin. @throws HiveError PERMISSION_DENIED this is no plugin's connection; NOT_SUPPORTED */
  initialize(session: Session, request: InitializeRequest): InitializeAnswer {
    const token = typeof request.token === 'string' ? request.token : '';
    const expected = this.#expected.get(token);
    if (expected !== undefined) {
      this.#expected.delete(token);
      this.attach(session, expected);
    }
    const link = this.#linkOf.get(session);
    if (link === undefined) {
      throw new HiveError('PERMISSION_DENIED', 'This connection belongs to no plugin: its token is unknown, used up or missing.', {
        next: 'A plugin gets its descriptor (HIVE_FD) or its one-time token (HIVE_TOKEN) when Hive starts it.',
      });
    }
    const answer = link.initialize(request);
    session.identity = { kind: 'plugin', id: link.manifest.id, grants: link.manifest.grants };
    return answer;
  }

  /** The notifications of plugins; any other is dropped. */
  notified(session: Session, method: string, params: unknown): void {
    const link = this.#linkOf.get(session);
    switch (method) {
      case 'ready': return link?.ready();
      case '$/progress': return link?.progress();
      case 'failed': return link?.failed(reasonIn(params) ?? 'It said that it cannot work, and not why.');
      case 'status': return link?.says(reasonIn(params) ?? '');
      default: return;
    }
  }

  sessionOf(link: PluginLink | null): Session | undefined {
    return link === null ? undefined : this.#sessionOf.get(link);
  }

  async closed(session: Session): Promise<void> {
    const link = this.#linkOf.get(session);
    if (link === undefined) return;
    this.#linkOf.delete(session);
    this.#sessionOf.delete(link);
    link.disconnected(await session.rpc.closed);
  }
}

function reasonIn(params: unknown): string | null {
  const { reason } = (params ?? {}) as Partial<FailedNotice | StatusNotice>;
  return typeof reason === 'string' ? reason : null;
}

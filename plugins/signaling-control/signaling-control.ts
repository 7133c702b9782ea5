import { join } from 'node:path';
import type { DaemonClient, PluginContext } from '../../shared/plugin/index.js';
import { CocoonNames } from './cocoons/cocoon-names.js';
import { CocoonWorks } from './cocoons/cocoon-works.js';
import { composeFileOf, writeComposeFile } from './cocoons/compose-file.js';
import { cocoonSource, runnerConfig, type Files } from './cocoons/service-config.js';
import { linkFacts, linkSentence } from './link/describe-link.js';
import { shownUrl } from './link/shown-text.js';
import { SignalingLink } from './link/signaling-link.js';
import { RequestDesk } from './requests/request-desk.js';
import { RequestJournal } from './requests/request-journal.js';
import { readSettings, type Settings } from './settings.js';
import { pluginVersion } from './version.js';
import { resultMessage, type AnnouncedKind } from './wire/outgoing.js';

/** The parts of the plugin, put together. */
export class SignalingControl {
  #link: SignalingLink | null = null;
  readonly #desk: RequestDesk;
  readonly #files: Files;

  private constructor(
    daemon: DaemonClient, private readonly context: PluginContext, private settings: Settings, private readonly journal: RequestJournal, private readonly names: CocoonNames,
  ) {
    this.#files = { composeFile: (kind) => composeFileOf(kind, context.dataDir) };
    this.#desk = new RequestDesk({
      journal, names,
      works: new CocoonWorks(daemon, names, this.#files),
      settings: () => this.settings,
      send: (dialect, requestId, result, onArrived) => void this.#link?.send(resultMessage(dialect, requestId, result), onArrived),
      log: context.log,
    });
  }

  /** @throws HiveError INVALID_CONFIG */
  static async start(daemon: DaemonClient, context: PluginContext): Promise<SignalingControl> {
    const settings = readSettings(context.config);
    const journal = await RequestJournal.open(join(context.dataDir, 'requests.jsonl'));
    let names: CocoonNames | null = null;
    const early: Parameters<CocoonNames['heed']>[0][] = [];
    daemon.onEvents(({ events }) => {
      for (const event of events) if (names === null) early.push(event); else names.heed(event);
    });
    const { snapshot } = await daemon.subscribeEvents({ from: 'now', types: ['service.created', 'service.deleted'] });
    names = new CocoonNames(snapshot.services.filter(({ source }) => source === cocoonSource).map(({ name }) => name));
    for (const event of early) names.heed(event);
    const control = new SignalingControl(daemon, context, settings, journal, names);
    control.#desk.resume();
    control.#connect();
    return control;
  }

  /** Takes changed settings; the link is made anew where they touch it. @throws HiveError INVALID_CONFIG */
  configure(config: Record<string, unknown>): void {
    const before = this.settings;
    this.settings = readSettings(config);
    if (madeOf(before, this.#files) === madeOf(this.settings, this.#files)) return;
    this.context.log('info', 'The settings of the link have changed; it is made anew.');
    this.#link?.close();
    this.#connect();
  }

  status(): object {
    const { server, kinds, maxCocoons } = this.settings;
    return {
      link: this.#link === null ? { state: 'idle' } : linkFacts(this.#link.state),
      url: server === null ? null : shownUrl(server.url),
      hiveId: server?.hiveId ?? null,
      dialect: server?.dialect ?? null,
      kinds: [...kinds.values()].map(({ id, runner, image, scriptPath }) => ({ id, runner, ...(runner === 'script' ? { scriptPath } : { image }) })),
      cocoons: { count: this.names.count, most: maxCocoons },
      requests: this.#desk.figures,
      ...(this.#link === null ? {} : { frames: this.#link.counters }),
    };
  }

  async stop(): Promise<void> {
    this.#desk.close();
    this.#link?.close();
    await this.journal.close();
  }

  #connect(): void {
    const { server, kinds } = this.settings;
    this.#link = null;
    if (server === null) {
      this.context.status('Idle: it is not told which signaling server to connect to. Set plugins.signaling-control.url in hive.yaml, or SIGNALING_SERVER_URL for the daemon.');
      return;
    }
    for (const kind of kinds.values()) writeComposeFile(kind, this.context.dataDir);
    const link: SignalingLink = new SignalingLink({ ...server, version: pluginVersion, kinds: announced(this.settings, this.#files) }, {
      log: this.context.log,
      onRegistered: () => this.#desk.registered(),
      onFrame: (incoming) => {
        if (incoming.is === 'request') this.#desk.take(incoming.request);
        else link.send(resultMessage(incoming.dialect, incoming.requestId, { op: incoming.op, success: false, error: incoming.error }));
      },
      onState: (state) => {
        if (this.#link !== link) return;
        const sentence = linkSentence(state, shownUrl(server.url), server.hiveId);
        this.context.status(sentence);
        if (state.is === 'registered') this.context.log('info', sentence);
        if (state.is === 'waiting') this.context.log('warn', sentence);
      },
    });
    this.#link = link;
    link.open();
  }
}

/** The server need not know what a person has laid over a kind. */
function announced({ kinds }: Settings, files: Files): AnnouncedKind[] {
  return [...kinds.values()].map((kind) => ({ id: kind.id, runner_type: kind.runner, runner_config: runnerConfig(kind, files), image: kind.image }));
}

/** A change of this asks for a new link. */
function madeOf(settings: Settings, files: Files): string {
  const { server } = settings;
  return server === null ? '' : JSON.stringify([server.url.href, server.hiveId, server.secret, server.dialect, server.ca, announced(settings, files)]);
}

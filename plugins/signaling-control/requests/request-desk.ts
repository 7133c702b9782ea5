import { nameProblem } from '../../../shared/config/names.js';
import { toHiveError } from '../../../shared/errors/index.js';
import type { LogLevel } from '../../../shared/plugin/index.js';
import type { CocoonNames } from '../cocoons/cocoon-names.js';
import type { CocoonWorks } from '../cocoons/cocoon-works.js';
import type { Settings } from '../settings.js';
import type { Dialect } from '../wire/dialect.js';
import type { CocoonRequest, SpawnRequest, TerminateRequest } from '../wire/incoming.js';
import type { RequestResult } from '../wire/outgoing.js';
import { failed, keyOf, keyOfEntry, type DoneEntry, type SpawningEntry, type TerminatingEntry, type UndoingEntry, type UnfinishedEntry } from './entry.js';
import { redact } from './redact.js';
import type { RequestJournal } from './request-journal.js';
import { makeName, shortly, spawnRefusal } from './spawn-refusal.js';
import { Turns } from './turns.js';

export interface DeskOptions {
  readonly journal: RequestJournal;
  readonly names: CocoonNames;
  readonly works: CocoonWorks;
  readonly settings: () => Settings;
  /** Sends an answer if there is somebody to send it to; calls back when it has arrived for sure. */
  readonly send: (dialect: Dialect, requestId: string, result: RequestResult, onArrived?: () => void) => void;
  readonly log: (level: LogLevel, message: string) => void;
  /** How long a request that was interrupted before its cocoon was made waits to come again, in milliseconds; 30 s by default. */
  readonly comesAgainWithinMs?: number;
}

/** The daemon takes 1,000 calls of one connection at a time. */
const mostAtOnce = 400;
const defaultComesAgainWithinMs = 30_000;
/** Of one request, while it is worked on. */
const mostAnswersDue = 1_000;

/** A request that is worked on in this run: the dialects in which an answer is due, one for each time that it came. */
interface Job { readonly due: Dialect[]; request: SpawnRequest | null }

/**
 * Does each request once and answers it each time that it comes. What is done for a request is written down before it is
 * done, so that the next run of this plugin finishes what this one began:
 *
 *   spawn      spawning → done, or spawning → undoing → done when something fails
 *   terminate  terminating → done
 */
export class RequestDesk {
  readonly #underWay = new Map<string, Job>();
  /** Begun by an earlier run, which did not live to make the cocoon; the token has to come again. */
  readonly #interrupted = new Map<string, SpawningEntry>();
  readonly #turns = new Turns(mostAtOnce);
  #patience: NodeJS.Timeout | undefined;
  #isClosed = false;

  constructor(private readonly options: DeskOptions) {}

  get figures(): { underWay: number; remembered: number; unanswered: number } {
    let unanswered = 0;
    for (const entry of this.options.journal.all()) if (entry.at === 'done' && entry.owed.length > 0) unanswered += 1;
    return { underWay: this.#underWay.size + this.#interrupted.size, remembered: this.options.journal.size, unanswered };
  }

  /** Takes up what an earlier run left; to be called before any new request comes, so that its names are in use. */
  resume(): void {
    for (const entry of [...this.options.journal.all()]) {
      if (entry.at === 'done') continue;
      if (entry.at === 'spawning') this.options.names.reserve(entry.name);
      this.#begin(entry, { due: [entry.dialect], request: null }, () => this.#goOn(entry));
    }
  }

  /** This Hive is registered: sends every answer that may not have arrived. */
  registered(): void {
    for (const entry of [...this.options.journal.all()]) if (entry.at === 'done') for (const dialect of entry.owed) this.#send(entry, dialect);
    clearTimeout(this.#patience);
    this.#patience = setTimeout(() => this.#giveUpInterrupted(), this.options.comesAgainWithinMs ?? defaultComesAgainWithinMs);
  }

  /** Begins nothing any more; what is under way is finished by the next run. */
  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#patience);
  }

  take(request: CocoonRequest): void {
    if (this.#isClosed) return;
    const { dialect, requestId } = request;
    const key = keyOf(request.op, requestId);
    const job = this.#underWay.get(key);
    if (job !== undefined) {
      if (job.due.length < mostAnswersDue) job.due.push(dialect);
      if (request.op === 'spawn') job.request = request;
      return;
    }
    const present = this.options.journal.get(key);
    if (present?.at === 'done') this.options.send(dialect, requestId, present.result);
    else if (present !== undefined) this.#takeAgain(present, request);
    else if (request.op === 'terminate') this.#takeTerminate(request);
    else this.#takeSpawn(request);
  }

  /** It was begun and left: by an earlier run, or because the daemon was about to end. */
  #takeAgain(entry: UnfinishedEntry, request: CocoonRequest): void {
    this.#interrupted.delete(keyOfEntry(entry));
    this.#begin(entry, { due: [request.dialect], request: request.op === 'spawn' ? request : null }, () => this.#goOn(entry));
  }

  #takeSpawn(request: SpawnRequest): void {
    const { names, settings } = this.options;
    const { dialect, requestId, kind } = request;
    const job: Job = { due: [dialect], request };
    const refusal = spawnRefusal(request, settings(), names);
    const entry: SpawningEntry = { requestId, dialect, at: 'spawning', kind, name: request.name ?? makeName(names) };
    if (refusal !== null) {
      const nothing = { ...entry, name: '', kind: '' };
      this.#begin(nothing, job, () => this.#finish(nothing, failed('spawn', redact(refusal, request.setupToken))));
      return;
    }
    names.reserve(entry.name);
    this.#begin(entry, job, async () => {
      if (await this.#isWrittenDown(entry)) await this.#make(entry, request);
    });
  }

  async #make(entry: SpawningEntry, { setupToken }: SpawnRequest): Promise<void> {
    const { settings, works } = this.options;
    const { server, kinds } = settings();
    const kind = kinds.get(entry.kind);
    try {
      if (kind === undefined || server === null) throw new Error(`This Hive has no kind ${shortly(entry.kind)} of cocoon any more.`);
      await works.create({ requestId: entry.requestId, name: entry.name, kind, setupToken, serverUrl: server.url.href });
      await works.start(entry.name, settings().startTimeoutMs);
    } catch (thrown) {
      return this.#undo({ ...entry, at: 'undoing', error: redact(this.#sentenceOf(thrown), setupToken) });
    }
    return this.#finish(entry, { op: 'spawn', success: true, containerId: entry.name });
  }

  async #undo(entry: UndoingEntry): Promise<void> {
    const { journal, works } = this.options;
    await journal.write(entry);
    let { error } = entry;
    try {
      if (await works.isMadeFor(entry.name, entry.requestId)) await works.remove(entry.name);
    } catch (thrown) {
      error += ` What was made of it could not be removed: ${this.#sentenceOf(thrown)}`;
    }
    await this.#finish(entry, failed('spawn', error));
  }

  #takeTerminate({ dialect, requestId, containerId }: TerminateRequest): void {
    const { names } = this.options;
    const isName = nameProblem('service', containerId) === null;
    const entry: TerminatingEntry = { requestId, dialect, name: isName ? containerId : '', at: 'terminating' };
    this.#begin(entry, { due: [dialect], request: null }, async () => {
      if (!isName || !names.has(containerId)) return this.#finish(entry, failed('terminate', `There is no cocoon ${shortly(containerId)}.`));
      if (await this.#isWrittenDown(entry)) await this.#terminate(entry);
    });
  }

  async #terminate(entry: TerminatingEntry): Promise<void> {
    try {
      await this.options.works.remove(entry.name);
    } catch (thrown) {
      return this.#finish(entry, failed('terminate', this.#sentenceOf(thrown)));
    }
    return this.#finish(entry, { op: 'terminate', success: true });
  }

  async #goOn(entry: UnfinishedEntry): Promise<void> {
    switch (entry.at) {
      case 'undoing': return this.#undo(entry);
      case 'terminating': return this.#terminate(entry);
      case 'spawning': {
        if (await this.options.works.isMadeFor(entry.name, entry.requestId)) return this.#startWhatIsMade(entry);
        const job = this.#underWay.get(keyOfEntry(entry));
        // It has come again by now.
        if (job !== undefined && job.request !== null) return this.#make(entry, job.request);
        this.#underWay.delete(keyOfEntry(entry));
        this.#interrupted.set(keyOfEntry(entry), entry);
        return;
      }
    }
  }

  async #startWhatIsMade(entry: SpawningEntry): Promise<void> {
    try {
      await this.options.works.start(entry.name, this.options.settings().startTimeoutMs);
    } catch (thrown) {
      return this.#undo({ ...entry, at: 'undoing', error: this.#sentenceOf(thrown) });
    }
    return this.#finish(entry, { op: 'spawn', success: true, containerId: entry.name });
  }

  /** Nobody asked again for these: whoever still waits for an answer gets one. */
  #giveUpInterrupted(): void {
    for (const [key, entry] of this.#interrupted) {
      this.#interrupted.delete(key);
      const error = 'This Hive was interrupted before it had made the cocoon; ask again with another request_id.';
      this.#begin(entry, { due: [entry.dialect], request: null }, () => this.#undo({ ...entry, at: 'undoing', error }));
    }
  }

  #begin(entry: UnfinishedEntry, job: Job, work: () => Promise<void>): void {
    const key = keyOfEntry(entry);
    this.#underWay.set(key, job);
    this.#turns.take(entry.name === '' ? key : entry.name, work).catch((thrown: unknown) => {
      // It stays in the journal as it is, and the next run goes on with it.
      this.#underWay.delete(key);
      if (!(thrown instanceof LeftToTheNextRun)) this.options.log('error', `A request was left unfinished: ${toHiveError(thrown).message}`);
    });
  }

  async #isWrittenDown(entry: SpawningEntry | TerminatingEntry): Promise<boolean> {
    try {
      await this.options.journal.write(entry);
      return true;
    } catch (thrown) {
      this.options.log('error', `The journal of requests cannot be written: ${toHiveError(thrown).message}`);
      this.options.journal.forget(entry);
      this.#settle(entry, failed(entry.at === 'spawning' ? 'spawn' : 'terminate', 'This Hive cannot write down what it is asked for, and so does nothing.'));
      return false;
    }
  }

  /** The end of a request: the result is on disk before anybody hears of it. */
  async #finish(entry: UnfinishedEntry, result: RequestResult): Promise<void> {
    const { requestId, dialect, name } = entry;
    const due = this.#underWay.get(keyOfEntry(entry))?.due ?? [dialect];
    await this.options.journal.write({ requestId, dialect, name, at: 'done', result, owed: [...new Set(due)] });
    this.#settle(entry, result);
  }

  #settle(entry: UnfinishedEntry, result: RequestResult): void {
    const key = keyOfEntry(entry);
    const due = this.#underWay.get(key)?.due ?? [];
    this.#underWay.delete(key);
    if (result.op === 'spawn') this.options.names.release(entry.name);
    const done: DoneEntry = { ...entry, at: 'done', result, owed: [] };
    for (const [index, dialect] of due.entries()) {
      if (due.indexOf(dialect) === index) this.#send(done, dialect);
      else this.options.send(dialect, entry.requestId, result);
    }
  }

  #send({ requestId, result }: DoneEntry, dialect: Dialect): void {
    const { journal } = this.options;
    this.options.send(dialect, requestId, result, () => {
      const entry = journal.get(keyOf(result.op, requestId));
      if (entry?.at === 'done') journal.note({ ...entry, owed: entry.owed.filter((other) => other !== dialect) });
    });
  }

  /** @throws LeftToTheNextRun when it is the daemon or this plugin that ends, and not the work that fails */
  #sentenceOf(thrown: unknown): string {
    const { code, message } = toHiveError(thrown);
    if (this.#isClosed || code === 'CONNECTION_CLOSED' || code === 'SHUTTING_DOWN') throw new LeftToTheNextRun();
    return message;
  }
}

class LeftToTheNextRun extends Error {}

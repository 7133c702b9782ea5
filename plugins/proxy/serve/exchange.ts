import type { BackendConnection, ConnectionUser } from '../backend/backend-connection.js';
import type { EndpointPool } from '../backend/endpoint-pool.js';
import { pickEndpoint } from '../backend/pick-endpoint.js';
import { Malformed } from '../message/malformed.js';
import type { RequestHead } from '../message/request-head.js';
import type { ResponseHead } from '../message/response-head.js';
import type { CompiledRoute } from '../routes/compiled-route.js';
import { accountFor } from './account-for.js';
import { AnswerHeads } from './answer-heads.js';
import type { ClientConnection, ClientUser } from './client-connection.js';
import { JoinedWriter } from './joined-writer.js';
import { answerBody, requestBody, type PassedBody } from './passed-body.js';
import type { Problem } from './problem-answer.js';
import { requestForBackend } from './request-for-backend.js';
import { planAnswer, responseForClient, type AnswerPlan } from './response-for-client.js';
import { connectionFailure, whatIsLate, type Late } from './failures.js';
import { isIdempotent, mayTryAgain, type Reached } from './retry-policy.js';
import { Tunnel } from './tunnel.js';

/** How far the answer is. */
type Phase = 'connecting' | 'waiting' | 'answering' | 'over';

/** A request that cannot be repeated gets only a connection that was used just now: its other end will not be closing it. */
const freshForUnrepeatableMs = 1_000;

/** One request and its answer: finds an endpoint, passes both through, and tries again where that is safe. */
export class Exchange implements ClientUser, ConnectionUser {
  #phase: Phase = 'connecting';
  readonly #startedAt = performance.now();
  /** When a byte last moved, either way. */
  #progressAt = this.#startedAt;
  #requestId = '';
  #compiled: CompiledRoute | null = null;

  readonly #body: PassedBody;
  #toBackend: JoinedWriter | null = null;
  #reached: Reached = 'nothing';
  #attempts = 0;
  #tried: Set<EndpointPool> | null = null;
  #needsFresh = false;
  #backend: BackendConnection | null = null;
  #pool: EndpointPool | null = null;
  #lastFailure = '';

  readonly #toClient: JoinedWriter;
  readonly #heads = new AnswerHeads();
  #response: ResponseHead | null = null;
  #plan: AnswerPlan | null = null;
  #reusesClient = false;
  #answer: PassedBody | null = null;

  constructor(private readonly client: ClientConnection, private readonly request: RequestHead) {
    this.#body = requestBody(request);
    this.#toClient = new JoinedWriter(client.socket);
  }

  begin(): void {
    const { context } = this.client;
    const { host, target, pathLength, requestId } = this.request;
    this.#requestId = requestId === '' ? context.nextRequestId() : requestId;
    this.#compiled = context.index.find(host, target, pathLength);
    if (this.#compiled === null) {
      context.figures.unrouted++;
      this.#fail(404, 'NO_ROUTE', `No service is routed at ${host === '' ? 'this address' : host} for ${target.slice(0, Math.min(pathLength, 200))}.`);
      return;
    }
    this.#compiled.figures.active++;
    this.#tryEndpoint(this.#compiled);
  }

  // The way to the backend.

  #tryEndpoint(compiled: CompiledRoute): void {
    const now = performance.now();
    const pool = pickEndpoint(compiled.pools, now, this.#tried);
    if (pool === null) return this.#answerNoEndpoint(compiled);
    this.#attempts++;
    this.#pool = pool;
    pool.begin();
    const repeatable = isIdempotent(this.request.method) && !this.#body.exists;
    const idle = this.#needsFresh ? null : pool.takeIdle(now, repeatable ? Infinity : freshForUnrepeatableMs);
    const backend = (this.#backend = idle ?? pool.connect());
    backend.user = this;
    this.#phase = 'connecting';
    this.#progressAt = now;
    if (backend.isConnected) this.backendConnected();
  }

  backendConnected(): void {
    const { client, request } = this;
    const compiled = this.#compiled;
    const backend = this.#backend;
    if (compiled === null || backend === null) return;
    backend.uses++;
    this.#phase = 'waiting';
    this.#reached = 'request';
    this.#toBackend = new JoinedWriter(backend.socket);
    this.#toBackend.text(requestForBackend(request, compiled, backend.pool.endpoint, client.originFor(request.host), this.#requestId));
    if (!this.#body.isDone) this.#readBody();
    this.#toBackend?.flush();
  }

  #readBody(): void {
    const { client } = this;
    const body = this.#body;
    const toBackend = this.#toBackend;
    if (body.isDone || toBackend === null || this.#backend?.socket.writableNeedDrain !== false) return;
    const bytes = client.takeWaiting();
    if (bytes === null) return;
    this.#progressAt = performance.now();
    this.#reached = 'part of a body';
    try {
      const used = body.passOn(bytes, toBackend);
      toBackend.flush();
      if (used < bytes.length) client.putBack(bytes.subarray(used));
    } catch (thrown) {
      if (!(thrown instanceof Malformed)) throw thrown;
      this.#malformedBody(thrown);
    }
  }

  /** What the backend has got so far has no end, so that it cannot take it for a whole request. */
  #malformedBody(malformed: Malformed): void {
    this.client.context.figures.malformed++;
    this.#toBackend?.discard();
    if (this.#phase === 'answering') return this.#cutOff(malformed.message);
    this.#fail(malformed.status === 431 ? 431 : 400, 'MALFORMED_REQUEST', `The request cannot be forwarded. ${malformed.message}`);
  }

  backendDrained(): void {
    this.#progressAt = performance.now();
    this.#readBody();
  }

  // The way back.

  backendData(bytes: Buffer): void {
    this.#progressAt = performance.now();
    try {
      this.#takeAnswer(bytes);
    } catch (thrown) {
      if (!(thrown instanceof Malformed)) throw thrown;
      this.#toClient.discard();
      if (this.#toClient.hasWritten) return this.#cutOff(`The service sent an answer that is not HTTP. ${thrown.message}`);
      this.#fail(502, 'BACKEND_FAILED', `The service sent an answer that is not HTTP. ${thrown.message}`);
    }
  }

  #takeAnswer(received: Buffer): void {
    let bytes = received;
    let at = 0;
    if (this.#response === null) {
      const found = this.#heads.read(received, this.request, this.#toClient);
      if (found === null) return this.#toClient.flush();
      ({ bytes, at } = found);
      if (found.response.status === 101) return this.#switch(found.response, bytes.subarray(at));
      this.#startAnswer(found.response);
    }
    const answer = this.#answer;
    if (answer === null) return;
    at = answer.passOn(bytes, this.#toClient, at);
    if (!answer.isDone) return this.#flushToClient();
    this.#finish(at < bytes.length);
  }

  #startAnswer(response: ResponseHead): void {
    const { client, request } = this;
    const plan = planAnswer(request, response);
    this.#phase = 'answering';
    this.#response = response;
    this.#plan = plan;
    this.#answer = answerBody(plan);
    this.#reusesClient = request.keepAlive && this.#body.isDone && !plan.endsWithConnection && client.context.life === 'serving';
    this.#pool?.succeeded();
    this.#toClient.text(responseForClient(request, response, plan, !this.#reusesClient, this.#requestId));
  }

  #flushToClient(): void {
    this.#toClient.flush();
    if (this.client.socket.writableNeedDrain) this.#backend?.socket.pause();
  }

  clientDrained(): void {
    this.#progressAt = performance.now();
    this.#backend?.socket.resume();
  }

  #finish(hasMore: boolean): void {
    const { client } = this;
    const backend = this.#backend;
    const isBodyDone = this.#body.isDone;
    this.#toClient.flush();
    this.#over(this.#response?.status ?? 0, null);
    if (backend !== null) this.#releaseBackend(backend, isBodyDone && !hasMore && this.#response?.keepAlive === true);
    client.exchangeDone(this.#reusesClient && isBodyDone);
  }

  #releaseBackend(backend: BackendConnection, reusable: boolean): void {
    backend.user = null;
    const hint = this.#response?.keepAliveMs ?? -1;
    if (hint !== -1) backend.idleLimitMs = Math.min(backend.idleLimitMs, hint - 1_000);
    if (!reusable || backend.socket.readableEnded || backend.idleLimitMs <= 0) return backend.destroy();
    backend.socket.resume();
    backend.pool.keep(backend, performance.now());
  }

  #switch(response: ResponseHead, rest: Buffer): void {
    const { client } = this;
    const backend = this.#backend;
    const compiled = this.#compiled;
    if (!this.request.upgrade || response.upgrade !== 'websocket') throw new Malformed(400, 'It switches to a protocol that nobody asked for.');
    if (backend === null || compiled === null) return;
    this.#pool?.succeeded();
    compiled.figures.upgrades++;
    this.#toClient.text(`HTTP/1.1 ${response.statusLine}\r\n${response.fields}Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n`);
    this.#toClient.bytes(rest);
    this.#toClient.flush();
    new Tunnel(client, backend, () => this.#over(101, null)).begin();
  }

  // What goes wrong.

  backendEnded(): void {
    if (this.#answer?.end(this.#toClient) === true) this.#finish(false);
    else this.#backend?.destroy();
  }

  backendClosed(error: NodeJS.ErrnoException | null): void {
    if (this.#phase === 'over') return;
    if (this.#phase === 'answering') this.#cutOff(`${connectionFailure(true, error)} in the middle of its answer.`);
    else this.#failedBeforeAnswer(error);
  }

  #failedBeforeAnswer(error: NodeJS.ErrnoException | null): void {
    const { request } = this;
    const [compiled, backend, pool] = [this.#compiled, this.#backend, this.#pool];
    if (compiled === null || backend === null || pool === null) return;
    // A connection that had been idle may just have reached its end: that says nothing about the endpoint.
    const wasIdle = backend.uses > 1;
    this.#backend = null;
    this.#toBackend = null;
    if (!wasIdle) {
      if (pool.failed(performance.now())) compiled.figures.ejections++;
      (this.#tried ??= new Set()).add(pool);
    }
    this.#needsFresh = true;
    this.#lastFailure = `${connectionFailure(backend.isConnected, error)}${backend.isConnected ? ' before it answered' : ''}.`;
    pool.done();
    this.#pool = null;
    if (this.#heads.hasBegun || !mayTryAgain(request.method, this.#reached, this.#attempts)) return this.#fail(502, 'BACKEND_FAILED', this.#lastFailure);
    compiled.figures.retries++;
    this.#tryEndpoint(compiled);
  }

  #answerNoEndpoint({ route }: CompiledRoute): void {
    if (this.#lastFailure !== '') return this.#fail(502, 'BACKEND_FAILED', this.#lastFailure);
    this.#fail(503, 'NO_ENDPOINT', `${route.service} has no endpoint that could answer${route.reason === undefined ? '.' : `: ${route.reason}`}`);
  }

  #cutOff(why: string): void {
    const { client } = this;
    const endsWithConnection = this.#plan?.endsWithConnection === true;
    if (this.#compiled !== null) this.#compiled.figures.cutOff++;
    this.#toClient.flush();
    this.#abandonBackend();
    this.#over(this.#response?.status ?? 0, why);
    client.cutOff(endsWithConnection);
  }

  #fail(status: Problem['status'], code: Problem['code'], message: string): void {
    const { client, request } = this;
    const isBodyDone = this.#body.isDone;
    this.#abandonBackend();
    this.#over(status, message);
    const problem: Problem = { status, code, message, service: this.#compiled?.route.service ?? null, requestId: this.#requestId };
    client.answerProblem(problem, request, request.keepAlive && isBodyDone && !request.upgrade);
  }

  #abandonBackend(): void {
    const backend = this.#backend;
    this.#backend = null;
    this.#toBackend = null;
    if (backend === null) return;
    backend.user = null;
    backend.destroy();
  }

  clientData(): void {
    if (this.#phase === 'waiting' || this.#phase === 'answering') this.#readBody();
  }

  clientEnded(): void {
    // A client may say that it has no further request, and still wait for this answer.
    if (this.#body.isDone || this.#phase === 'over') return;
    this.#readBody();
    if (this.#body.isDone) return;
    this.#abandonBackend();
    this.#over(this.#response?.status ?? 0, 'The client ended the connection before the end of its request.');
    this.client.cutOff(false);
  }

  clientClosed(): void {
    if (this.#phase === 'over') return;
    this.#abandonBackend();
    this.#over(this.#response?.status ?? 0, 'The client closed the connection before the end of the answer.');
  }

  check(now: number): void {
    const { limits } = this.client.context;
    const timeoutMs = this.#compiled?.route.timeoutMs ?? limits.connectMs;
    const late = whatIsLate({
      silentMs: now - this.#progressAt, timeoutMs, connectMs: limits.connectMs, unreadMs: limits.unreadMs,
      isConnecting: this.#phase === 'connecting', isUnread: this.client.socket.writableNeedDrain,
      waitsForBody: !this.#body.isDone && this.#backend?.socket.writableNeedDrain === false && !this.request.expectsContinue,
    });
    if (late !== null) this.#late(late, `${timeoutMs / 1000} s`);
  }

  #late(who: Late, time: string): void {
    if (who === 'connection') this.#backend?.destroy(Object.assign(new Error('It took too long.'), { code: 'ETIMEDOUT' }));
    else if (who === 'reader') this.client.socket.destroy();
    else if (this.#phase === 'answering') this.#cutOff(`Nothing came for ${time}.`);
    else if (who === 'body') this.#fail(408, 'CLIENT_TIMEOUT', `The client sent nothing of its request's body for ${time}.`);
    else {
      if (this.#pool?.failed(performance.now()) === true && this.#compiled !== null) this.#compiled.figures.ejections++;
      this.#fail(504, 'BACKEND_TIMEOUT', `The service did not answer within ${time}.`);
    }
  }

  /** Happens once. */
  #over(status: number, problem: string | null): void {
    if (this.#phase === 'over') return;
    this.#phase = 'over';
    const pool = this.#pool;
    this.#pool = null;
    pool?.done();
    accountFor(this.client, this.request, {
      requestId: this.#requestId, status, bytes: this.#answer?.bytes ?? 0, durationMs: performance.now() - this.#startedAt,
      figures: this.#compiled?.figures ?? null, service: this.#compiled?.route.service ?? null, endpoint: pool?.endpoint.id ?? null,
      retries: Math.max(0, this.#attempts - 1), problem,
    });
  }
}

import type { BackendConnection, ConnectionUser } from '../backend/backend-connection.js';
import type { EndpointPool } from '../backend/endpoint-pool.js';
import { pickEndpoint } from '../backend/pick-endpoint.js';
import { LengthBody, noBody, type BodyReader, type BodySink } from '../message/body-reader.js';
import { ChunkedBody } from '../message/chunked-body.js';
import { findHeadEnd } from '../message/find-head.js';
import { Malformed } from '../message/malformed.js';
import type { RequestHead } from '../message/request-head.js';
import { parseResponseHead, type ResponseHead } from '../message/response-head.js';
import { countAnswer } from '../observe/figures.js';
import type { CompiledRoute } from '../routes/compiled-route.js';
import type { ClientConnection, ClientUser } from './client-connection.js';
import { JoinedWriter } from './joined-writer.js';
import type { Problem } from './problem-answer.js';
import { requestForBackend } from './request-for-backend.js';
import { planAnswer, responseForClient, type AnswerPlan } from './response-for-client.js';
import { isIdempotent, mayTryAgain, type Reached } from './retry-policy.js';
import { Tunnel } from './tunnel.js';

/** How far the answer is. */
type Phase = 'connecting' | 'waiting' | 'answering' | 'over';

/** A request that cannot be repeated gets only a connection that was used just now: its other end will not be closing it. */
const freshForUnrepeatableMs = 1_000;
const mostInterimAnswers = 32;

/** One request and its answer: finds an endpoint, passes both through, and tries again where that is safe. */
export class Exchange implements ClientUser, ConnectionUser {
  #phase: Phase = 'connecting';
  readonly #startedAt = performance.now();
  /** When a byte last moved, either way. */
  #progressAt = this.#startedAt;
  #requestId = '';
  #compiled: CompiledRoute | null = null;

  readonly #body: BodyReader;
  #toBackend: JoinedWriter | null = null;
  #reached: Reached = 'nothing';
  #attempts = 0;
  #tried: Set<EndpointPool> | null = null;
  #needsFresh = false;
  #backend: BackendConnection | null = null;
  #pool: EndpointPool | null = null;
  #lastFailure = '';

  readonly #toClient: JoinedWriter;
  #headBytes: Buffer | null = null;
  #interimAnswers = 0;
  #response: ResponseHead | null = null;
  #plan: AnswerPlan | null = null;
  #reusesClient = false;
  #bytesOut = 0;

  constructor(private readonly client: ClientConnection, private readonly request: RequestHead) {
    this.#body = request.chunked ? new ChunkedBody() : request.length > 0 ? new LengthBody(request.length) : noBody;
    this.#toClient = new JoinedWriter(client.socket);
  }

  begin(): void {
    const { context } = this.client;
    const { host, target, pathLength, requestId } = this.request;
    this.#requestId = requestId === '' ? context.nextRequestId() : requestId;
    this.#compiled = context.index.find(host, target, pathLength);
    if (this.#compiled === null) {
      context.figures.unrouted++;
      this.#answer(404, 'NO_ROUTE', `No service is routed at ${host === '' ? 'this address' : host} for ${target.slice(0, Math.min(pathLength, 200))}.`);
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
    const repeatable = isIdempotent(this.request.method) && this.#body === noBody;
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
    const backend = this.#backend;
    if (this.#body.isDone || this.#toBackend === null || backend === null || backend.socket.writableNeedDrain) return;
    const bytes = this.client.takeWaiting();
    if (bytes === null) return;
    this.#progressAt = performance.now();
    this.#reached = 'part of a body';
    let used: number;
    try {
      used = this.#body.read(bytes, 0, this.#requestSink);
    } catch (thrown) {
      if (!(thrown instanceof Malformed)) throw thrown;
      return this.#malformedBody(thrown);
    }
    if (used < bytes.length) this.client.putBack(bytes.subarray(used));
    if (this.#body.isDone && this.request.chunked) this.#toBackend.text(`0\r\n${this.#requestTrailers}\r\n`);
    this.#toBackend.flush();
  }

  #requestTrailers = '';
  readonly #requestSink: BodySink = {
    piece: (bytes) => (this.request.chunked ? this.#toBackend?.chunk(bytes) : this.#toBackend?.bytes(bytes)),
    trailers: (lines) => (this.#requestTrailers = lines),
  };

  /** What the backend has got so far has no end, so that it cannot take it for a whole request. */
  #malformedBody(malformed: Malformed): void {
    this.client.context.figures.malformed++;
    this.#toBackend?.discard();
    if (this.#phase === 'answering') return this.#cutOff(malformed.message);
    this.#answer(malformed.status === 431 ? 431 : 400, 'MALFORMED_REQUEST', `The request cannot be forwarded. ${malformed.message}`);
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
      this.#answer(502, 'BACKEND_FAILED', `The service sent an answer that is not HTTP. ${thrown.message}`);
    }
  }

  #takeAnswer(received: Buffer): void {
    let bytes = received;
    let at = 0;
    if (this.#response === null) {
      if (this.#headBytes !== null) bytes = Buffer.concat([this.#headBytes, bytes]);
      this.#headBytes = null;
      at = this.#takeHead(bytes);
      if (this.#response === null) return;
    }
    if (this.#plan === null) return;
    at = this.#plan.reader.read(bytes, at, this.#answerSink);
    if (!this.#plan.reader.isDone) return this.#flushToClient();
    this.#finish(at < bytes.length);
  }

  /** Reads heads up to that of the final answer, and returns where it ends. */
  #takeHead(bytes: Buffer): number {
    let at = 0;
    for (;;) {
      const end = findHeadEnd(bytes, at);
      if (end === -1) {
        if (at < bytes.length) this.#headBytes = bytes.subarray(at);
        this.#toClient.flush();
        return at;
      }
      const response = parseResponseHead(bytes.toString('latin1', at, end));
      at = end + 2;
      if (response.status === 101) {
        this.#switch(response, bytes.subarray(at));
        return at;
      }
      if (response.status >= 200) {
        this.#startAnswer(response);
        return at;
      }
      this.#passInterim(response);
    }
  }

  #passInterim({ status, statusLine, fields }: ResponseHead): void {
    if (++this.#interimAnswers > mostInterimAnswers) throw new Malformed(400, 'It has too many interim answers.');
    const isWanted = status === 100 ? this.request.expectsContinue : !this.request.isHttp10;
    if (isWanted) this.#toClient.text(`HTTP/1.1 ${statusLine}\r\n${fields}\r\n`);
  }

  #startAnswer(response: ResponseHead): void {
    const { client, request } = this;
    const plan = planAnswer(request, response);
    this.#phase = 'answering';
    this.#response = response;
    this.#plan = plan;
    this.#reusesClient = request.keepAlive && this.#body.isDone && !plan.endsWithConnection && !client.context.isStopping;
    this.#pool?.succeeded();
    this.#toClient.text(responseForClient(request, response, plan, !this.#reusesClient, this.#requestId));
  }

  #answerTrailers = '';
  readonly #answerSink: BodySink = {
    piece: (bytes) => {
      this.#bytesOut += bytes.length;
      if (this.#plan?.writesChunks === true) this.#toClient.chunk(bytes);
      else this.#toClient.bytes(bytes);
    },
    trailers: (lines) => (this.#answerTrailers = lines),
  };

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
    if (this.#plan?.writesChunks === true) this.#toClient.text(`0\r\n${this.#answerTrailers}\r\n`);
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
    if (this.#plan?.reader.end() === true) this.#finish(false);
    else this.#backend?.destroy();
  }

  backendClosed(error: NodeJS.ErrnoException | null): void {
    if (this.#phase === 'over') return;
    const why = error === null ? 'closed the connection' : (error.code ?? error.message);
    if (this.#phase === 'answering') return this.#cutOff(`The service ${error === null ? why : `broke the connection (${why})`} in the middle of its answer.`);
    this.#failedBeforeAnswer(why);
  }

  #failedBeforeAnswer(why: string): void {
    const { request } = this;
    const [compiled, backend, pool] = [this.#compiled, this.#backend, this.#pool];
    if (compiled === null || backend === null || pool === null) return;
    const wasConnected = backend.isConnected;
    // A connection that had been idle may just have reached its end: that says nothing about the endpoint.
    const wasIdle = backend.uses > 1;
    this.#backend = null;
    this.#toBackend = null;
    if (!wasIdle) {
      if (pool.failed(performance.now())) compiled.figures.ejections++;
      (this.#tried ??= new Set()).add(pool);
    }
    this.#needsFresh = true;
    this.#lastFailure = wasConnected ? `The service ${why === 'closed the connection' ? why : `broke the connection (${why})`} before it answered.` : `The service could not be connected to (${why}).`;
    pool.done();
    this.#pool = null;
    const hasAnswered = this.#headBytes !== null || this.#interimAnswers > 0;
    if (hasAnswered || !mayTryAgain(request.method, this.#reached, this.#attempts)) return this.#answer(502, 'BACKEND_FAILED', this.#lastFailure);
    compiled.figures.retries++;
    this.#tryEndpoint(compiled);
  }

  #answerNoEndpoint({ route }: CompiledRoute): void {
    if (this.#lastFailure !== '') return this.#answer(502, 'BACKEND_FAILED', this.#lastFailure);
    this.#answer(503, 'NO_ENDPOINT', `${route.service} has no endpoint that could answer${route.reason === undefined ? '.' : `: ${route.reason}`}`);
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

  #answer(status: Problem['status'], code: Problem['code'], message: string): void {
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
    const silentMs = now - this.#progressAt;
    const { limits } = this.client.context;
    const timeoutMs = this.#compiled?.route.timeoutMs ?? limits.connectMs;
    if (this.#phase === 'connecting') {
      if (silentMs > Math.min(limits.connectMs, timeoutMs)) this.#backend?.destroy(Object.assign(new Error('It took too long.'), { code: 'ETIMEDOUT' }));
    } else if (this.client.socket.writableNeedDrain) {
      if (silentMs > limits.unreadMs) this.client.socket.destroy();
    } else if (silentMs > timeoutMs) this.#timedOut(timeoutMs);
  }

  #timedOut(timeoutMs: number): void {
    const waitsForClient = !this.#body.isDone && this.#backend?.socket.writableNeedDrain === false && !this.request.expectsContinue;
    const text = `${timeoutMs / 1000} s`;
    if (this.#phase === 'answering') return this.#cutOff(`Nothing came for ${text}.`);
    if (waitsForClient) return this.#answer(408, 'CLIENT_TIMEOUT', `The client sent nothing of its request's body for ${text}.`);
    if (this.#pool?.failed(performance.now()) === true && this.#compiled !== null) this.#compiled.figures.ejections++;
    this.#answer(504, 'BACKEND_TIMEOUT', `The service did not answer within ${text}.`);
  }

  /** Does the accounts; happens once. */
  #over(status: number, problem: string | null): void {
    if (this.#phase === 'over') return;
    this.#phase = 'over';
    const { client, request } = this;
    const compiled = this.#compiled;
    const durationMs = performance.now() - this.#startedAt;
    if (compiled !== null) {
      compiled.figures.active--;
      compiled.figures.bytesOut += this.#bytesOut;
      countAnswer(compiled.figures, status, durationMs);
    }
    const endpoint = this.#pool?.endpoint.id ?? null;
    this.#pool?.done();
    this.#pool = null;
    client.context.accessLog?.add({
      requestId: this.#requestId, client: client.address, method: request.method, host: request.host, path: request.target.slice(0, request.pathLength),
      status, bytes: this.#bytesOut, durationMs: Math.round(durationMs * 1000) / 1000, service: compiled?.route.service ?? null, endpoint,
      retries: Math.max(0, this.#attempts - 1), problem,
    });
  }
}

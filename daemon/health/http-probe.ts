import { request, type IncomingMessage } from 'node:http';
import { connect } from 'node:net';
import type { HealthCheckSpec } from '../../shared/config/service-spec.js';
import { connectFailure } from './connect-failure.js';
import { formatAddress, formatDuration, shorten, type Address, type ProbeResult } from './probe-result.js';

type HttpCheck = Pick<Extract<HealthCheckSpec, { type: 'http' }>, 'path' | 'method' | 'status' | 'timeoutMs'>;

/** More of a failure's body is not looked at to find its first line. */
const mostBodyBytes = 4096;
/** An answer that passed is taken to its end up to here, so that the service does not see its connection break. */
const mostDrainedBytes = 256 * 1024;

/**
 * Passes when the answer's status is in the range. Redirects are not followed: they are an answer like any other.
 *
 * Each look is a connection of its own: a kept one would go on answering for a service that no longer accepts, and at
 * one probe in ten seconds most servers have closed it before the next look anyway. Without an agent (hence
 * `createConnection`) a look costs half of the processor time that it costs with one, a fifth of `agent: false`.
 */
export function probeHttp(check: HttpCheck, address: Address, signal: AbortSignal): Promise<ProbeResult> {
  return new Promise((resolve) => {
    const what = `${check.method} http://${formatAddress(address)}${check.path}`;
    const startedAtMs = performance.now();
    const outgoing = request({
      host: address.host,
      port: address.port,
      method: check.method,
      path: check.path,
      createConnection: () => connect(address),
      headers: { 'user-agent': 'hive-health-check', accept: '*/*', connection: 'close' },
    });
    // Goes on after the verdict: an answer that passed may take until then to end.
    const deadline = setTimeout(() => {
      outgoing.destroy();
      resolve({ kind: 'timed-out', detail: `no answer to ${what} within ${formatDuration(check.timeoutMs)}` });
    }, check.timeoutMs);
    const abandon = (): void => {
      outgoing.destroy();
      resolve({ kind: 'inconclusive', detail: 'the look was called off' });
    };
    signal.addEventListener('abort', abandon);
    outgoing.once('close', () => {
      clearTimeout(deadline);
      signal.removeEventListener('abort', abandon);
    });
    outgoing.on('error', (error) => resolve(connectFailure(error, address)));
    outgoing.once('upgrade', (_response, socket) => {
      socket.destroy();
      resolve({ kind: 'failed', detail: `${what} answered 101, which nobody asked for` });
    });
    outgoing.once('response', (response) => {
      response.on('error', () => outgoing.destroy());
      const status = response.statusCode ?? 0;
      if (status >= check.status.from && status <= check.status.to) {
        drain(response);
        resolve({ kind: 'passed', detail: `${what} answered ${status} in ${formatDuration(performance.now() - startedAtMs)}` });
        return;
      }
      firstLine(response, (line) => {
        outgoing.destroy();
        resolve({ kind: 'failed', detail: `${what} answered ${status}${line === '' ? '' : `: ${line}`}` });
      });
    });
    outgoing.end();
  });
}

function drain(response: IncomingMessage): void {
  let bytes = 0;
  response.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes > mostDrainedBytes) response.destroy();
  });
}

/** Calls back once, with the first line of the body that has something in it, or as much as came. */
function firstLine(response: IncomingMessage, found: (line: string) => void): void {
  let text = '';
  let done = false;
  const finish = (): void => {
    if (done) return;
    done = true;
    found(shorten(text.trimStart().split('\n', 1)[0] ?? '', 200));
  };
  response.setEncoding('utf8');
  response.on('data', (chunk: string) => {
    text += chunk;
    if (text.length >= mostBodyBytes || text.trimStart().includes('\n')) finish();
  });
  response.once('end', finish);
  response.once('close', finish);
}

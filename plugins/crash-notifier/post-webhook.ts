import type { IncomingMessage, RequestOptions } from 'node:http';
import type { Outcome } from './delivery.js';

export interface Post {
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly id: string;
  readonly content: string;
  readonly timeoutMs: number;
}

/**
 * Posts a notification; any status from 200 to 299 counts as delivered. Nothing that it says names more of the URL than its
 * host: the path of a webhook is often its password.
 */
export async function postWebhook({ url, headers, id, content, timeoutMs }: Post): Promise<Outcome> {
  // Loaded when needed: with TLS they are a third of this plugin's memory.
  const { request } = url.protocol === 'https:' ? await import('node:https') : await import('node:http');
  const options: RequestOptions = {
    method: 'POST',
    agent: false,
    headers: {
      'user-agent': 'hive-crash-notifier/1',
      'idempotency-key': id,
      ...headers,
      'content-type': 'application/json',
      'content-length': Buffer.byteLength(content),
    },
    signal: AbortSignal.timeout(timeoutMs),
  };
  return new Promise((resolve) => {
    const sent = request(url, options, (response) => {
      // The rest of the answer does not matter, and neither does its failing.
      response.on('error', () => {}).resume();
      resolve(outcomeOf(response, url.hostname));
    });
    sent.once('error', (error: NodeJS.ErrnoException) => {
      const what = error.name === 'AbortError' ? `did not answer within ${timeoutMs / 1000} s` : `could not be reached (${error.code ?? error.name})`;
      resolve({ ok: false, reason: `The webhook at ${url.hostname} ${what}.` });
    });
    sent.end(content);
  });
}

function outcomeOf({ statusCode = 0, headers }: IncomingMessage, host: string): Outcome {
  if (statusCode >= 200 && statusCode <= 299) return { ok: true };
  const reason = `The webhook at ${host} answered ${statusCode}.`;
  const seconds = Number(headers['retry-after']);
  return { ok: false, reason, ...(Number.isFinite(seconds) && seconds > 0 ? { retryAfterMs: seconds * 1000 } : {}) };
}

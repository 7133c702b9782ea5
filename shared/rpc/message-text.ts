import { HiveError } from '../errors/hive-error.js';
import { holdsForbiddenKey, isDeeperThan, mayHoldForbiddenKey } from './json-guards.js';
import type { MessageId } from './incoming-message.js';
import type { RpcLimits } from './limits.js';
import { RawJson } from './raw-json.js';

/**
 * Serialises params or a result on the way out, once. What the peer would have to refuse is refused here, where the
 * caller still hears which call it was; RawJson is trusted to be shallow.
 * @throws HiveError INVALID_PARAMS, TOO_LARGE
 */
export function serialise(what: string, value: unknown, limits: RpcLimits): RawJson {
  if (value instanceof RawJson) return withinFrame(what, value, limits);
  let text: string | undefined;
  try {
    text = JSON.stringify(value);
  } catch (thrown) {
    const why = thrown instanceof Error ? thrown.message.split('\n', 1)[0] : String(thrown);
    throw new HiveError('INVALID_PARAMS', `${what} cannot be written as JSON: ${why}.`, { cause: thrown });
  }
  if (text === undefined) return nullJson;
  if (isDeeperThan(text, limits.maxDepth - 1)) {
    throw new HiveError('INVALID_PARAMS', `${what} nests deeper than ${limits.maxDepth - 1} levels.`);
  }
  if (mayHoldForbiddenKey(text) && holdsForbiddenKey(value)) {
    throw new HiveError('INVALID_PARAMS', `${what} has a key that reaches for a prototype.`);
  }
  return withinFrame(what, new RawJson(text), limits);
}

const nullJson = new RawJson('null');

/** Room for what stands around params and results in a message, method name and id included. */
const envelopeBytes = 4096;

function withinFrame(what: string, json: RawJson, limits: RpcLimits): RawJson {
  const most = limits.maxFrameBytes - envelopeBytes;
  // A character is at least one byte and at most three, so the exact count is needed only in between.
  if (json.text.length * 3 <= most) return json;
  const bytes = Buffer.byteLength(json.text);
  if (bytes <= most) return json;
  throw new HiveError('TOO_LARGE', `${what} takes ${bytes} bytes as JSON; the limit is ${most}.`, {
    next: 'Ask for less at a time.',
    data: { bytes, limitBytes: most },
  });
}

export function requestText(id: MessageId, method: string, params: RawJson | undefined): string {
  const name = JSON.stringify(method);
  const number = JSON.stringify(id);
  return params === undefined
    ? `{"jsonrpc":"2.0","id":${number},"method":${name}}`
    : `{"jsonrpc":"2.0","id":${number},"method":${name},"params":${params.text}}`;
}

export function notificationText(method: string, params: RawJson | undefined): string {
  const name = JSON.stringify(method);
  return params === undefined
    ? `{"jsonrpc":"2.0","method":${name}}`
    : `{"jsonrpc":"2.0","method":${name},"params":${params.text}}`;
}

export function resultText(id: MessageId, result: RawJson): string {
  return `{"jsonrpc":"2.0","id":${JSON.stringify(id)},"result":${result.text}}`;
}

/** `id` is null when nobody knows which message the error answers. */
export function errorText(id: MessageId | null, number: number, message: string, data: RawJson): string {
  return `{"jsonrpc":"2.0","id":${JSON.stringify(id)},"error":{"code":${number},"message":${JSON.stringify(message)},"data":${data.text}}}`;
}

/** Why a text is not taken as a message. */
export type JsonRefusal = 'not-json' | 'too-deep' | 'forbidden-key';

export type GuardedJson =
  | { readonly ok: true; readonly value: unknown }
  /** `value` is there when the text could be parsed, so that the refusal can name the request. */
  | { readonly ok: false; readonly refusal: JsonRefusal; readonly value?: unknown };

/** Parses text from a peer: depth is checked before parsing, keys that reach for prototypes after it. */
export function parseGuarded(text: string, maxDepth: number): GuardedJson {
  if (isDeeperThan(text, maxDepth)) return { ok: false, refusal: 'too-deep' };
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return { ok: false, refusal: 'not-json' };
  }
  if (mayHoldForbiddenKey(text) && holdsForbiddenKey(value)) return { ok: false, refusal: 'forbidden-key', value };
  return { ok: true, value };
}

const quote = 0x22;
const backslash = 0x5c;

/** Whether arrays and objects nest deeper than `maxDepth`. One pass over the text, no recursion, no allocation. */
export function isDeeperThan(text: string, maxDepth: number): boolean {
  // Each level takes two characters, so most messages are shallow by their length alone.
  if (text.length <= maxDepth * 2) return false;
  let depth = 0;
  for (let at = 0; at < text.length; at++) {
    switch (text.charCodeAt(at)) {
      case quote:
        at = endOfString(text, at + 1);
        break;
      case 0x5b:
      case 0x7b:
        if (++depth > maxDepth) return true;
        break;
      case 0x5d:
      case 0x7d:
        depth--;
        break;
    }
  }
  return false;
}

function endOfString(text: string, start: number): number {
  let at = start;
  for (; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === quote) return at;
    if (code === backslash) at++;
  }
  return at;
}

/** Letters and underscores may be spelled as \u00XX inside a key; JSON.stringify never does that, so it is rare. */
const escapedLetter = /\\u00[4-7]/;

/** A cheap look at the text; only what it suspects is walked. */
export function mayHoldForbiddenKey(text: string): boolean {
  return (
    text.includes('__proto__') || text.includes('constructor') || (text.includes('\\u00') && escapedLetter.test(text))
  );
}

/**
 * Whether an object in `value` has a key `__proto__`, or a key `constructor` that holds an object with a key
 * `prototype`: the two ways in which copying or merging a parsed object can reach Object.prototype.
 */
export function holdsForbiddenKey(value: unknown): boolean {
  const waiting: unknown[] = [value];
  while (waiting.length > 0) {
    const current = waiting.pop();
    if (typeof current !== 'object' || current === null) continue;
    if (Object.hasOwn(current, '__proto__')) return true;
    if (Object.hasOwn(current, 'constructor')) {
      const held = (current as { constructor: unknown }).constructor;
      if (typeof held === 'object' && held !== null && Object.hasOwn(held, 'prototype')) return true;
    }
    for (const inner of Object.values(current)) {
      if (typeof inner === 'object' && inner !== null) waiting.push(inner);
    }
  }
  return false;
}

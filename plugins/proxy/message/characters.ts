/** Tables by character code: 1 where the character may stand. RFC 9110, section 5.6.2 and 5.5; RFC 3986. */
function table(allowed: (code: number) => boolean): Uint8Array {
  return Uint8Array.from({ length: 256 }, (_, code) => (allowed(code) ? 1 : 0));
}

const letters = 'abcdefghijklmnopqrstuvwxyz';
const tokenCharacters = new Set([...`!#$%&'*+-.^_\`|~0123456789${letters}${letters.toUpperCase()}`].map((character) => character.charCodeAt(0)));

/** Names of headers, and methods. */
export const isToken = table((code) => tokenCharacters.has(code));

/** Values of headers, and reason phrases: anything but control characters, of which only the tab is one that is allowed. */
export const isFieldValue = table((code) => code === 9 || (code >= 32 && code !== 127));

/**
 * The path of a target. Stricter than what servers usually take: a backslash is a slash to some backends and not to
 * others, and a byte above 127 is one character to some and two to others.
 */
export const isPath = table((code) => code > 32 && code < 127 && code !== 35 && code !== 63 && code !== 92);

/** The query of a target. Browsers leave more than RFC 3986 allows unescaped here. */
export const isQuery = table((code) => code > 32 && code < 127 && code !== 35);

export function isTokenText(text: string): boolean {
  for (let at = 0; at < text.length; at++) if (isToken[text.charCodeAt(at)] !== 1) return false;
  return text.length > 0;
}

export function isFieldValueText(text: string): boolean {
  for (let at = 0; at < text.length; at++) if (isFieldValue[text.charCodeAt(at)] !== 1) return false;
  return true;
}

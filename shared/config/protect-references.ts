/**
 * `{secret: ${env.KEY}}` and `{run: serve {{runtime.port.http}}}` are what people write, but to YAML the inner braces are
 * maps. So references are hidden from the parser: each of their characters is moved into a private range of Unicode that
 * the text does not use, which keeps every offset as it is, and moved back in what was parsed. The lengths are bounded so
 * that a file of nothing but open braces is searched in linear time.
 */
const references =
  /\$\{[A-Za-z][A-Za-z0-9_]{0,30}\.[^}\n"']{0,300}\}|(?<!\{)\{\{[ \t]{0,9}(?:runtime|uses)\.[^{}\n]{0,300}\}\}|(?<!\{)\{\{\{[ \t]{0,9}(?:runtime|uses)\.[^{}\n]{0,300}\}\}\}/g;

export interface ProtectedText {
  readonly text: string;
  readonly restore: (parsed: string) => string;
}

export function protectReferences(text: string): ProtectedText {
  const base = unusedRange(text);
  if (base === null || !(text.includes('${') || text.includes('{{'))) return { text, restore: (parsed) => parsed };
  const hidden = new RegExp(`[${String.fromCharCode(base)}-${String.fromCharCode(base + 127)}]`, 'g');
  const hide = (character: string) => {
    const code = character.charCodeAt(0);
    return code < 128 ? String.fromCharCode(base + code) : character;
  };
  return {
    text: text.replace(references, (reference) => reference.replace(/[^]/g, hide)),
    restore: (parsed) => parsed.replace(hidden, (character) => String.fromCharCode(character.charCodeAt(0) - base)),
  };
}

/** The first 128 code units of the private use area that do not occur; null in a text that uses them all. */
function unusedRange(text: string): number | null {
  if (!/[\uE000-\uF8FF]/.test(text)) return 0xe000;
  for (let base = 0xe000; base + 127 <= 0xf8ff; base += 128) {
    if (!new RegExp(`[${String.fromCharCode(base)}-${String.fromCharCode(base + 127)}]`).test(text)) return base;
  }
  return null;
}

/**
 * A command text as the list of its words: blanks separate, quotes and backslashes join, as in a POSIX shell; nothing is
 * expanded. `{{runtime.port.http}}` stays as it is. A quote that is never closed reaches to the end.
 */
export function splitWords(text: string): string[] {
  const words: string[] = [];
  let word: string | null = null;
  let quote: '"' | "'" | null = null;
  for (let at = 0; at < text.length; at += 1) {
    const char = text[at] as string;
    const next = text[at + 1];
    if (quote !== null && char === quote) quote = null;
    else if (quote === "'") word += char;
    else if (char === '\\' && next !== undefined && (quote === null || next === '"' || next === '\\')) {
      word = (word ?? '') + next;
      at += 1;
    } else if (quote === '"') word += char;
    else if (char === '"' || char === "'") {
      quote = char;
      word ??= '';
    } else if (/\s/.test(char)) {
      if (word !== null) words.push(word);
      word = null;
    } else word = (word ?? '') + char;
  }
  if (word !== null) words.push(word);
  return words;
}

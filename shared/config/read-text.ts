import { formatSize } from './sizes.js';

export const largestFile = 1024 * 1024;

/** Turns the bytes of a file into text, or says why they are none. A byte order mark is dropped, line ends stay. */
export function readText(bytes: Uint8Array): { readonly ok: true; readonly text: string } | { readonly ok: false; readonly message: string } {
  if (bytes.byteLength > largestFile) {
    return { ok: false, message: `The file is larger than ${formatSize(largestFile)}, the most that a configuration may have.` };
  }
  if ((bytes[0] === 0xff && bytes[1] === 0xfe) || (bytes[0] === 0xfe && bytes[1] === 0xff)) {
    return { ok: false, message: 'The file is written in UTF-16; save it as UTF-8.' };
  }
  try {
    return { ok: true, text: new TextDecoder('utf-8', { fatal: true }).decode(bytes) };
  } catch {
    return { ok: false, message: 'The file is not UTF-8 text; save it as UTF-8.' };
  }
}

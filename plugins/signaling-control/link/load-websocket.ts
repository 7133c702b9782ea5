import { createRequire } from 'node:module';
import type { WebSocket } from 'ws';

/**
 * The WebSocket client of the library ws, which is CommonJS: `import` would start the lexer that looks for its exports,
 * WebAssembly that costs memory in every process, and `require` does not.
 */
export function loadWebSocket(): typeof WebSocket {
  return createRequire(import.meta.url)('ws') as typeof WebSocket;
}

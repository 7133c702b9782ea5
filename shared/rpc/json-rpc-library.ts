import { createRequire } from 'node:module';
import type * as library from 'vscode-jsonrpc';

/**
 * The library vscode-jsonrpc, which is CommonJS. `import` would start Node's lexer that looks for the names it exports,
 * WebAssembly that costs every process 0.4 MB (measured); `require` does not. The types come from the library itself.
 */
export const { AbstractMessageReader, AbstractMessageWriter, createMessageConnection, ErrorCodes, Event, ProgressType, RAL, ResponseError } =
  createRequire(import.meta.url)('vscode-jsonrpc') as typeof library;

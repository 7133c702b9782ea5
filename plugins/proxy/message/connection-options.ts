import { Malformed } from './malformed.js';

/** What a message says under Connection. `named`: further headers that are meant for this connection alone, or null. */
export interface ConnectionOptions { close: boolean; keepAlive: boolean; upgrade: boolean; named: Set<string> | null }

/** Without these a message is another message, so nobody may have them taken out on the way. */
const indispensable = new Set(['content-length', 'transfer-encoding', 'host']);

/** Takes one Connection header. @throws Malformed */
export function takeConnection(options: ConnectionOptions, value: string): void {
  // What nearly every message says.
  if (value === 'keep-alive') options.keepAlive = true;
  else if (value === 'close') options.close = true;
  else for (const part of value.toLowerCase().split(',')) takeOption(options, part.trim());
}

function takeOption(options: ConnectionOptions, option: string): void {
  if (option === '') return;
  if (option === 'close') options.close = true;
  else if (option === 'keep-alive') options.keepAlive = true;
  else if (option === 'upgrade') options.upgrade = true;
  else if (indispensable.has(option)) throw new Malformed(400, `Its Connection header names ${option}.`);
  else (options.named ??= new Set()).add(option);
}

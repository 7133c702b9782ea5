import type { ContentTypeDecoder, ContentTypeEncoder, RAL as RuntimeLayer } from 'vscode-jsonrpc';
import { RAL } from './json-rpc-library.js';

/**
 * vscode-jsonrpc takes one message from its queue per `setImmediate`, which is one round of the event loop per message
 * and halves the throughput. Its runtime layer (RAL) is where a host says what "soon" means; here it means the next
 * microtask. Taking turns with other connections is done by the frame reader, which sees more than one message.
 *
 * The layer is one per process. Where somebody else's vscode-jsonrpc/node has been loaded before, theirs is kept and only
 * its `setImmediate` changes; where it is loaded later, it replaces ours: dispatch is slower then, and still correct.
 */
export function installPromptDispatch(): void {
  const existing = installedLayer();
  RAL.install({ ...(existing ?? bareLayer), timer: { ...(existing ?? bareLayer).timer, setImmediate: inMicrotask } });
}

function inMicrotask(callback: (...args: unknown[]) => void, ...args: unknown[]): { dispose: () => void } {
  let disposed = false;
  queueMicrotask(() => {
    if (!disposed) callback(...args);
  });
  return {
    dispose: () => {
      disposed = true;
    },
  };
}

function installedLayer(): RuntimeLayer | undefined {
  try {
    return RAL();
  } catch {
    return undefined;
  }
}

/** Reading, writing and encoding are ours, so these parts of the layer are never asked for. */
const notUsed = (): never => {
  throw new Error('Hive reads and writes frames itself.');
};

const bareLayer: RuntimeLayer = {
  console,
  timer: {
    setTimeout: (callback, ms, ...args: unknown[]) => {
      const timer = setTimeout(callback, ms, ...args);
      return { dispose: () => clearTimeout(timer) };
    },
    setImmediate: inMicrotask,
    setInterval: (callback, ms, ...args: unknown[]) => {
      const timer = setInterval(callback, ms, ...args);
      return { dispose: () => clearInterval(timer) };
    },
  },
  messageBuffer: { create: notUsed },
  applicationJson: {
    encoder: { name: 'application/json', encode: notUsed } satisfies ContentTypeEncoder,
    decoder: { name: 'application/json', decode: notUsed } satisfies ContentTypeDecoder,
  },
};

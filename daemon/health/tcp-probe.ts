import { connect } from 'node:net';
import { connectFailure } from './connect-failure.js';
import { formatAddress, formatDuration, type Address, type ProbeResult } from './probe-result.js';

/** Passes when somebody accepts a connection, which is then closed without a byte. */
export function probeTcp(check: { readonly timeoutMs: number }, address: Address, signal: AbortSignal): Promise<ProbeResult> {
  return new Promise((resolve) => {
    const socket = connect({ host: address.host, port: address.port });
    const settle = (result: ProbeResult): void => {
      clearTimeout(deadline);
      signal.removeEventListener('abort', abandon);
      socket.destroy();
      resolve(result);
    };
    const abandon = (): void => settle({ kind: 'inconclusive', detail: 'the look was called off' });
    const deadline = setTimeout(() => {
      settle({ kind: 'timed-out', detail: `no connection to ${formatAddress(address)} within ${formatDuration(check.timeoutMs)}` });
    }, check.timeoutMs);
    signal.addEventListener('abort', abandon);
    socket.once('connect', () => settle({ kind: 'passed', detail: `${formatAddress(address)} accepts connections` }));
    socket.on('error', (error) => settle(connectFailure(error, address)));
  });
}

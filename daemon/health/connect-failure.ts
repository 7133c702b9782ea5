import { formatAddress, type Address, type ProbeResult } from './probe-result.js';

/** Out of these Hive or the machine has run, not the service. */
const ownShortage: Readonly<Record<string, string>> = {
  EMFILE: 'Hive has no file descriptor left to look with',
  ENFILE: 'the machine has no file descriptor left to look with',
  ENOBUFS: 'the machine has no network buffer left to look with',
  ENOMEM: 'the machine has no memory left to look with',
  EAGAIN: 'the machine has no process left to look with',
  EADDRNOTAVAIL: 'the machine has no local port left to look with',
};

const inWords: Readonly<Record<string, (address: string) => string>> = {
  ECONNREFUSED: (address) => `connection refused on ${address}`,
  ECONNRESET: (address) => `${address} closed the connection without an answer`,
  EPIPE: (address) => `${address} closed the connection without an answer`,
  ETIMEDOUT: (address) => `no connection to ${address}: the network gave up`,
  EHOSTUNREACH: (address) => `no route to ${address}`,
  ENETUNREACH: (address) => `no network to ${address}`,
  EACCES: (address) => `the machine forbids connections to ${address}`,
  ENOTFOUND: (address) => `the name in ${address} is not known`,
  EAI_AGAIN: (address) => `the name in ${address} cannot be looked up now`,
};

/** The code of a system or parser error, `''` where it has none. */
export function errorCode(error: unknown): string {
  return typeof error === 'object' && error !== null && 'code' in error && typeof error.code === 'string' ? error.code : '';
}

/** The shortage on our side that this error stands for, as a result; null when the error tells about the service. */
export function asOwnShortage(error: unknown): ProbeResult | null {
  const shortage = ownShortage[errorCode(error)];
  return shortage === undefined ? null : { kind: 'inconclusive', detail: shortage };
}

/** What a failed connection to a service means. */
export function connectFailure(error: Error, address: Address): ProbeResult {
  const shortage = asOwnShortage(error);
  if (shortage !== null) return shortage;
  const where = formatAddress(address);
  const code = errorCode(error);
  const sentence = inWords[code];
  if (sentence !== undefined) return { kind: 'failed', detail: sentence(where) };
  if (code.startsWith('HPE_')) return { kind: 'failed', detail: `what answers on ${where} is not HTTP: ${error.message}` };
  return { kind: 'failed', detail: `cannot talk to ${where}: ${error.message}` };
}

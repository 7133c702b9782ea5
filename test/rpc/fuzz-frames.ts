import type { Random } from './random.js';

const methods = ['ping', 'echo', 'wait', 'no.such', '$/ping', '$/setTrace', '$/progress', '$/cancelRequest', 'toString', '__proto__', ''];
const scalars = [0, -1, 1e308, null, true, '', 'text', 'ü€😀', '\u0000', '\ud800', '__proto__', '[{"', 'x'.repeat(300)];
const keys = ['a', 'id', 'method', 'token', 'value', 'constructor', 'prototype', 'toJSON', 'then', '__proto__', 'length', ''];

/** JSON text of any shape; objects are written by hand, because a literal would swallow the key `__proto__`. */
function json(random: Random, depth = 0): string {
  const kind = depth > 5 ? 0 : random.below(4);
  if (kind < 2) return JSON.stringify(random.pick(scalars));
  const size = random.below(5);
  const items = Array.from({ length: size }, () => json(random, depth + 1));
  if (kind === 2) return `[${items.join(',')}]`;
  return `{${items.map((item) => `${JSON.stringify(random.pick(keys))}:${item}`).join(',')}}`;
}

const id = (random: Random): string => random.pick(['1', '2', '0', '-1', '1.5', '"x"', 'null', '{}', '[]', String(random.below(1e6))]);
const method = (random: Random): string => JSON.stringify(random.pick(methods));

/** Bodies of frames whose framing is right: the connection has to survive every one of them. */
const bodies: ((random: Random) => string)[] = [
  (random) => `{"jsonrpc":"2.0","id":${id(random)},"method":${method(random)},"params":${json(random)}}`,
  (random) => `{"jsonrpc":"2.0","method":${method(random)},"params":${json(random)}}`,
  (random) => `{"jsonrpc":"2.0","id":${id(random)},"result":${json(random)}}`,
  (random) => `{"jsonrpc":"2.0","id":${id(random)},"error":${json(random)}}`,
  (random) => `{"jsonrpc":"2.0","method":"$/cancelRequest","params":{"id":${id(random)}}}`,
  (random) => `{"jsonrpc":"2.0","method":"$/progress","params":{"token":${id(random)},"value":${json(random)}}}`,
  (random) => `{"jsonrpc":"2.0","id":${random.below(1e6)},"method":"wait"}`,
  (random) => `[${Array.from({ length: random.below(20) }, () => `{"jsonrpc":"2.0","id":1,"method":"ping"}`).join(',')}]`,
  json,
  (random) => mangle(random, `{"jsonrpc":"2.0","id":${id(random)},"method":${method(random)},"params":${json(random)}}`),
  (random) => {
    const levels = random.below(50) === 0 ? 100_000 : random.below(200);
    return `{"jsonrpc":"2.0","id":1,"method":"echo","params":${'[{"a":'.repeat(levels)}1${'}]'.repeat(levels)}}`;
  },
  (random) => String.fromCharCode(...Array.from({ length: random.below(200) }, () => random.below(256))),
];

/** Changes, doubles or drops a few characters. */
function mangle(random: Random, text: string): string {
  const characters = [...text];
  for (let changes = 1 + random.below(4); changes > 0; changes--) {
    const at = random.below(characters.length);
    const change = random.pick(['', String.fromCharCode(random.below(128)), `${characters[at]}${characters[at]}`]);
    characters.splice(at, 1, change);
  }
  return characters.join('');
}

export function survivableFrame(random: Random): Buffer {
  const body = Buffer.from(random.pick(bodies)(random), random.below(10) === 0 ? 'latin1' : 'utf8');
  const header = random.pick(['Content-Length: ', 'Content-Length: ', 'content-length:', 'X-A: b\r\nContent-Length: ']);
  return Buffer.concat([Buffer.from(`${header}${body.length}\r\n\r\n`), body]);
}

const brokenLengths = ['-1', '-99999999999999999999', '99999999999999999999', '8388609', '2147483648', '4294967296', 'NaN', '0x10', '1e3', '', ' ', '1 2', '١'];

/** The end of a stream that cannot be understood any more, or that breaks off. */
const endings: ((random: Random) => Buffer)[] = [
  (random) => Buffer.from(`Content-Length: ${random.pick(brokenLengths)}\r\n\r\n{}`),
  () => Buffer.from('Content-Length: 2\r\nContent-Length: 2\r\n\r\n{}'),
  () => Buffer.from('Content-Length: 8388608\r\n\r\n{"half":'),
  (random) => Buffer.from(Array.from({ length: random.below(9000) }, () => random.below(256))),
  (random) => survivableFrame(random).subarray(0, 5 + random.below(10)),
  (random) => Buffer.from(`${'X-A: 1\r\n'.repeat(random.below(40))}\r\n`),
  (random) => Buffer.from(mangle(random, survivableFrame(random).toString('latin1')), 'latin1'),
  () => Buffer.from('GET / HTTP/1.1\r\nHost: hive\r\n\r\n'),
];

export function fatalEnding(random: Random): Buffer {
  return random.pick(endings)(random);
}

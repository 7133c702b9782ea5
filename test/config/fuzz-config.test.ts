import { describe, expect, it } from '@jest/globals';
import { cpuTimeOf } from './cpu-time.js';
import { load } from './load.js';

const valid = `# a comment
version: "1"
defaults: {hive.health.http: {timeout: 2s}}
environment:
  static: {A: "1", B: \${env.B:-two}}
plugins: {p: &p {enabled: true}}
services:
  db:
    runner: {type: script, script: {run: "postgres -p {{runtime.port.db}}"}}
    rollout: {type: recreate, recreate: {ports: {db: 5432}}}
    healthcheck: {type: tcp, tcp: {port: db, interval: 2s}}
    restart: {policy: always, delay: 500ms, max_delay: 30s}
  web:
    runner:
      type: script
      script:
        run: |
          set -e
          exec serve --port "$PORT" \${service.name}
        working_dir: apps/web
    rollout: {type: blue-green, blue-green: {ports: {http: {blue: 8012, green: 8013}}}}
    proxy: [{host: app.test, path: /api, port: "{{runtime.port.http}}"}]
    healthcheck:
      - {type: http, http: {path: /health}}
      - {type: cmd, cmd: {command: 'true'}}
    depends_on: {db: {condition: healthy}}
    hooks: {pre-up: [{parallel: [{run: a}, {run: b}]}]}
    stop: {signal: SIGINT, grace: 5s}
    logs: {max_size: 1MB}
`;

/** A small generator with a seed, so that a failure can be repeated (mulberry32). */
function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

const pieces = ['{', '}', '[', ']', ':', ',', '"', "'", '\n', '\t', '  ', '- ', '&a ', '*a', '*p', '<<: ', '${', '{{', '}}', '$${', '!!str ', '|', '>', '#', '%', '---\n', '\0', '\r', '\uFEFF', '\uE041', '\uD800', '0', '-1', 'null', 'true', '__proto__: ', 'constructor: ', 'services:', '${env.X}', '{{runtime.port.x}}', '1e999', '? '];

function mutate(text: string, random: () => number): string {
  const index = (limit: number) => Math.floor(random() * limit);
  let result = text;
  for (let count = 1 + index(4); count > 0; count -= 1) {
    const at = index(result.length + 1);
    const length = index(20);
    const cut = result.slice(at, at + length);
    const piece = pieces[index(pieces.length)] ?? '';
    const variants = [
      () => result.slice(0, at) + piece + result.slice(at),
      () => result.slice(0, at) + result.slice(at + length),
      () => result.slice(0, at) + piece + result.slice(at + length),
      () => result.slice(0, at) + cut.repeat(3) + result.slice(at),
      () => result.slice(0, at),
      () => result.slice(0, at) + String.fromCharCode(index(0xffff)) + result.slice(at + 1),
    ];
    result = (variants[index(variants.length)] ?? (() => result))();
  }
  return result;
}

describe('a file that was hurt at random', () => {
  it('is loaded or refused with problems, 2,000 times, never with an exception and never slowly', () => {
    expect(load(valid)).toMatchObject({ ok: true });
    let refused = 0;
    let slowest = 0;
    for (let seed = 1; seed <= 2000; seed += 1) {
      const text = mutate(valid, randomFrom(seed));
      let result = load('');
      slowest = Math.max(slowest, cpuTimeOf(() => (result = load(text))));
      if (result.ok) continue;
      refused += 1;
      expect(result.problems.length).toBeGreaterThan(0);
      const lines = text.split('\n').length;
      for (const problem of result.problems) {
        expect(problem.line >= 1 && problem.line <= lines && problem.column >= 1).toBe(true);
        expect(problem.message).not.toMatch(/undefined|\[object|\p{Cc}/u);
      }
    }
    expect(refused).toBeGreaterThan(1000);
    expect(slowest).toBeLessThan(1000);
  });
});

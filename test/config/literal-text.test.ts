import { describe, expect, it } from '@jest/globals';
import { interpolate } from '../../shared/config/interpolate.js';
import { literalText } from '../../shared/config/literal-text.js';
import { ProblemList } from '../../shared/config/problem-list.js';
import { resolveRuntime } from '../../shared/config/runtime-template.js';
import { seededRandom } from '../support/seeded-random.js';

/** What a service gets where a configuration says `written`. */
function read(written: string): string {
  const problems = new ProblemList({ kind: 'values', source: 'cocoons' });
  const filled = interpolate({ kind: 'scalar', value: written, written, span: { start: 0, end: 0 } }, { SECRET: 'leaked' }, problems);
  expect(problems.inOrder()).toEqual([]);
  return resolveRuntime(filled.kind === 'scalar' ? String(filled.value) : '', { ports: { http: 4711 } });
}

describe('a text written to be taken literally', () => {
  it.each([
    '${env.SECRET}', '$${env.SECRET}', '$$${env.SECRET}', '${env.UNSET}', '${service.name}', '${unknown.x}', '${env.unclosed', '${', '$', '$$',
    '{{runtime.port.http}}', '{{{runtime.port.http}}}', '{{{{runtime.port.http}}}}', '{{ runtime.port.none }}', '{{uses.a.port.b}}', '{{.ID}}', '{{}}', '{{{}}}',
    '${{runtime.port.http}}', '{${env.SECRET}}', '{{${env.SECRET}}}', '{{runtime.port.http}}}', '{{{runtime.port.http}}', '$(id)', '`id`', '-rf\n--', '',
  ])('means itself: %j', (text) => {
    expect(read(literalText(text))).toBe(text);
  });

  it('means itself whatever it is made of', () => {
    const random = seededRandom(16);
    const pieces = ['$', '{', '}', '{{', '}}', '${', 'env.SECRET', 'runtime.port.http', 'service.name', '.', ' ', 'x', ':-', '\n', '$${', '{{{', '}}}'];
    for (let round = 0; round < 20_000; round += 1) {
      const text = Array.from({ length: 1 + Math.floor(random() * 8) }, () => pieces[Math.floor(random() * pieces.length)]).join('');
      expect(read(literalText(text))).toBe(text);
    }
  });
});

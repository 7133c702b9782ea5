import { describe, expect, it } from '@jest/globals';
import { loadSource } from '../../shared/config/load-source.js';
import { loadText } from '../../daemon/sources/load-changed-services.js';

const options = { source: 'shop', projectRoot: '/srv/shop', env: { X: 'x' } };
const file = '/srv/shop/.adi/hive.yaml';
const head = 'version: "1"\nservices:\n';
const service = (name: string, run: string, more = '') => `  ${name}:\n    runner:\n      type: script\n      script:\n        run: ${run}\n${more}`;
const start = `${head}${service('a', 'one')}${service('b', 'two')}${service('c', 'three', '    depends_on: [a]\n')}`;

/** Texts that an editor may leave behind `start`; each has to be read exactly as if nothing had been read before. */
const texts: Record<string, string> = {
  'one command': start.replace('two', 'two and a half'),
  'the first service': start.replace('one', 'uno'),
  'the last service': start.replace('three', 'tres'),
  'a service more': start + service('d', 'four'),
  'a service more at the front': start.replace(head, head + service('d', 'four')),
  'a service less': start.replace(service('b', 'two'), ''),
  'a service less that is needed': start.replace(service('a', 'one'), ''),
  'another order': `${head}${service('b', 'two')}${service('c', 'three', '    depends_on: [a]\n')}${service('a', 'one')}`,
  'a circle': start.replace(service('a', 'one'), service('a', 'one', '    depends_on: [c]\n')),
  'a name twice': start + service('a', 'again'),
  'a mistake': start.replace('type: script', 'typo: script'),
  'a quote that is left open': start.replace('two', '"two'),
  'two quotes that swallow what is between': start.replace('two', '"two').replace('three', 'three"'),
  'a brace that is left open': start.replace('two', '{two'),
  'a block text that looks like services': start.replace('two', '|\n          x:\n          y: 1'),
  'a deeper key': start.replace('  b:', '   b:'),
  'a shallower key': start.replace('  b:', ' b:'),
  'a top-level key': start.replace('  b:', 'b:'),
  'an anchor': start.replace('run: two', 'run: &cmd two').replace('three', '*cmd'),
  'an alias to nothing': start.replace('run: two', 'run: *cmd'),
  'a merge': start.replace('run: two', '<<: {run: two}'),
  'a second document': start.replace('  b:', '---\n  b:'),
  'a quoted name': start.replace('  b:', '  "b":'),
  'a name in capitals': start.replace('  b:', '  B:'),
  'a key without a value': start.replace(service('b', 'two'), '  b:\n'),
  'no newline at the end': start.trimEnd(),
  'a comment': start.replace('  b:', '  # b\n  b:'),
  'windows line ends': start.replaceAll('\n', '\r\n'),
  'a tab': start.replace('      type', '\ttype'),
  'a changed head': start.replace('services:', 'environment: {static: {A: "1"}}\nservices:'),
  'a tail': `${start}observability: {resource_interval: 9s}\n`,
  'services twice': `${start}services:\n${service('z', 'x')}`,
  'a port that another has': start.replace('    depends_on: [a]\n', '    rollout: {type: recreate, recreate: {ports: {http: 80}}}\n').replace(service('b', 'two'), service('b', 'two', '    rollout: {type: recreate, recreate: {ports: {http: 80}}}\n')),
  'half of it': start.slice(0, start.length / 2),
  nothing: '',
};

describe('reading only what changed', () => {
  it.each(Object.entries(texts))('%s: as a whole reading would', (_what, text) => {
    const first = loadText(start, null, file, options);
    expect(first.result.ok).toBe(true);
    const there = loadText(text, first.loaded, file, options);
    expect(there.result).toEqual(loadSource(text, file, options));
    const back = loadText(start, there.loaded ?? first.loaded, file, options);
    expect(back.result).toEqual(first.result);
  });

  it('keeps the very specs of services whose lines are the same', () => {
    const first = loadText(start, null, file, options);
    const there = loadText(texts['one command'] ?? '', first.loaded, file, options);
    expect(there.loaded?.spec.services[0]).toBe(first.loaded?.spec.services[0]);
    expect(there.loaded?.spec.services[1]).not.toBe(first.loaded?.spec.services[1]);
  });
});

import { describe, expect, it } from '@jest/globals';
import { formatFqn, isServiceName, isSourceName, nameProblem, parseFqn } from '../../shared/config/names.js';

describe('names', () => {
  it.each(['a', 'web', 'web-2', 'a_b', 'x'.repeat(63)])('lets a service be called %s', (name) => {
    expect(nameProblem('service', name)).toBeNull();
    expect(isServiceName(name)).toBe(true);
  });

  it('keeps underscores out of source names', () => {
    expect(isSourceName('my-project')).toBe(true);
    expect(nameProblem('source', 'my_project')).toBe('The source name "my_project" contains "_"; allowed are lower-case letters a-z, digits and -.');
  });

  it.each([
    ['../x', 'starts with a dot "."'],
    ['a/b', 'contains a slash "/"'],
    ['-rf', 'starts with "-"'],
    ['', 'cannot be empty'],
    ['a\0b', 'contains a NUL character (U+0000)'],
    ['a\nb', 'contains a control character (U+000A)'],
    ['a b', 'contains a space'],
    ['x'.repeat(300), 'has 300 characters; at most 63 are allowed'],
    ['w\u0430b', 'contains the Cyrillic letter "\u0430" (U+0430, which may look like another letter)'],
    ['\u03b1pp', 'starts with the Greek letter'],
    ['w\u200beb', 'contains "\\u200b" (U+200B)'],
    ['Web', 'starts with the capital letter "W"'],
    ['9lives', 'starts with the digit "9"'],
    ['caf\u00e9', 'contains the Latin letter "\u00e9" (U+00E9)'],
    ['a\ud83d\ude00', 'U+1F600'],
  ])('refuses %j with a sentence that says which character and why', (name, part) => {
    const sentence = nameProblem('service', name);
    expect(sentence).toContain(part);
    expect(sentence).toMatch(/^The service name .*\.$|^A service name .*\.$/s);
    expect(sentence).not.toMatch(/[\u200b\0\n]/);
  });
});

describe('full names', () => {
  it.each([
    ['default:web', { source: 'default', service: 'web' }],
    ['my-app:job_2#12', { source: 'my-app', service: 'job_2', instance: 12 }],
  ])('reads %s and writes it back', (text, fqn) => {
    expect(parseFqn(text)).toEqual(fqn);
    expect(formatFqn(fqn)).toBe(text);
  });

  it.each(['web', ':web', 'default:', 'default:../x', 'Default:web', 'default:web#', 'default:web#0', 'default:web#1e3', 'default:web#-1', 'a:b:c'])('refuses %s', (text) => {
    let thrown: unknown;
    try {
      parseFqn(text);
    } catch (error) {
      thrown = error;
    }
    expect(thrown).toMatchObject({ code: 'INVALID_PARAMS', message: expect.stringMatching(/\.$/) as unknown });
  });
});

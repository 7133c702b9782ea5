import { describe, expect, it } from '@jest/globals';
import { exitCodeOf, exitCodes } from '../../hivectl/exit-codes.js';
import { errorAsJson, renderError } from '../../hivectl/render/error.js';
import { plainPaint } from '../../hivectl/terminal.js';
import { errorCatalogue, type ErrorCode } from '../../shared/errors/catalogue.js';
import { HiveError } from '../../shared/errors/hive-error.js';

describe('an error', () => {
  it('ends in one of the documented exit codes, never in 0', () => {
    for (const code of Object.keys(errorCatalogue) as ErrorCode[]) {
      expect(Object.values(exitCodes)).toContain(exitCodeOf(code));
      expect(exitCodeOf(code)).not.toBe(exitCodes.done);
    }
  });

  it.each<[ErrorCode, number]>([
    ['INVALID_PARAMS', 2], ['DAEMON_UNREACHABLE', 3], ['NOT_FOUND', 4], ['TIMEOUT', 5], ['INVALID_CONFIG', 6], ['CONFLICT', 6], ['SPAWN_FAILED', 1],
  ])('%s exits with %d', (code, exit) => expect(exitCodeOf(code)).toBe(exit));

  const error = new HiveError('INVALID_CONFIG', 'Source shop cannot be loaded.', {
    next: 'Mend the file.',
    data: { problems: [{ file: '/p/.adi/hive.yaml', line: 3, column: 5, message: 'runer is no key of a service.', offendingLine: '    runer: {}', suggestion: 'runner' }] },
  });

  it('is one sentence, what to do, and the code, after the problems of a file', () => {
    expect(renderError(error, plainPaint)).toEqual([
      '/p/.adi/hive.yaml:3:5  runer is no key of a service.',
      '    3 |     runer: {}',
      '      |     ^',
      '      Did you mean runner?',
      'Source shop cannot be loaded. Mend the file. [INVALID_CONFIG]',
    ]);
  });

  it('does not list the problems twice', () => {
    const told = new HiveError('INVALID_CONFIG', 'Source shop has 1 problem: /p/.adi/hive.yaml:3:5: runer is no key of a service.', error.options);
    expect(renderError(told, plainPaint).at(-1)).toBe('Source shop has 1 problem. Mend the file. [INVALID_CONFIG]');
  });

  it('is code, message and data for programs', () => {
    expect(JSON.parse(errorAsJson(error))).toEqual({
      error: { code: 'INVALID_CONFIG', message: 'Source shop cannot be loaded.', data: { next: 'Mend the file.', problems: [expect.objectContaining({ line: 3 })] } },
    });
  });
});

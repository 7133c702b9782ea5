import { describe, expect, it } from '@jest/globals';
import { createHmac } from 'node:crypto';
import type { Dialect } from '../../plugins/signaling-control/wire/dialect.js';
import { readFrame } from '../../plugins/signaling-control/wire/incoming.js';
import { registerMessage, resultMessage, type RequestResult } from '../../plugins/signaling-control/wire/outgoing.js';

const frame = (message: unknown) => readFrame(Buffer.from(typeof message === 'string' ? message : JSON.stringify(message)), false);

describe('what comes in, in both dialects', () => {
  it.each<[Dialect, string, string, string, string]>([
    ['hive', 'hive_register_response', 'hive_spawn_cocoon', 'hive_terminate_cocoon', 'system_error'],
    ['legacy', 'hive_registered', 'spawn_cocoon', 'terminate_cocoon', 'error'],
  ])('%s', (dialect, registered, spawn, terminate, error) => {
    expect(frame({ type: registered, hive_id: 'h' })).toEqual({ is: 'registered' });
    expect(frame({ type: spawn, request_id: 'r', setup_token: 't', name: 'n', kind: 'k' })).toEqual({ is: 'request', request: { op: 'spawn', dialect, requestId: 'r', setupToken: 't', name: 'n', kind: 'k' } });
    for (const noName of [{}, { name: null }]) {
      expect(frame({ type: spawn, request_id: 'r', setup_token: 't', kind: 'k', ...noName })).toMatchObject({ is: 'request', request: { name: null } });
    }
    expect(frame({ type: terminate, request_id: 'r', container_id: 'c' })).toEqual({ is: 'request', request: { op: 'terminate', dialect, requestId: 'r', containerId: 'c' } });
    expect(frame({ type: error, message: 'no' })).toEqual({ is: 'serverError', message: 'no' });
    expect(frame({ type: error })).toMatchObject({ is: 'serverError' });
    expect(frame({ type: spawn, request_id: 'r', kind: 'k' })).toEqual({ is: 'refused', op: 'spawn', dialect, requestId: 'r', error: 'The field setup_token is missing or no text.' });
    expect(frame({ type: terminate, request_id: 'r' })).toEqual({ is: 'refused', op: 'terminate', dialect, requestId: 'r', error: 'The field container_id is missing or no text.' });
    expect(frame({ type: spawn, setup_token: 't', kind: 'k' })).toMatchObject({ is: 'malformed' });
  });

  it.each<[string, unknown]>([
    ['no JSON', '{'], ['nothing', ''], ['a list', '[]'], ['null', 'null'], ['a number', '7'], ['no type', '{}'], ['a type that is no text', '{"type":7}'], ['a type by inheritance', '{"__proto__":{"type":"hive_registered"}}'],
    ['an empty request_id', { type: 'spawn_cocoon', request_id: '', kind: 'k', setup_token: '' }], ['a huge request_id', { type: 'spawn_cocoon', request_id: 'x'.repeat(513), kind: 'k', setup_token: '' }],
    ['deep nesting', '['.repeat(200_000)], ['deep nesting inside', `{"type":"spawn_cocoon","x":${'['.repeat(100_000)}`],
  ])('malformed: %s', (_, message) => {
    expect(frame(message)).toMatchObject({ is: 'malformed' });
  });

  it('takes neither binary frames nor what is not UTF-8', () => {
    expect(readFrame(Buffer.from('{"type":"hive_registered"}'), true)).toMatchObject({ is: 'malformed' });
    expect(readFrame(Buffer.from([0x22, 0xff, 0x22]), false)).toMatchObject({ is: 'malformed' });
  });

  it.each(['web_rtc_offer', 'hive_register', 'spawn_cocoon_result', 'toString', '__proto__', ''])('unknown: %s', (type) => {
    expect(frame(`{"type":${JSON.stringify(type)}}`)).toEqual({ is: 'unknown', type });
  });

  it.each<[string, unknown]>([['NUL', 'a\0b'], ['half a character', 'a\ud800'], ['65,537 characters', 'x'.repeat(65_537)], ['a number', 7], ['null', null]])('a token that no variable can hold is refused: %s', (_, token) => {
    expect(frame({ type: 'spawn_cocoon', request_id: 'r', setup_token: token, kind: 'k' })).toMatchObject({ is: 'refused', requestId: 'r' });
  });
});

describe('what goes out, in both dialects', () => {
  const results: [RequestResult, string, object][] = [
    [{ op: 'spawn', success: true, containerId: 'c' }, 'spawn_cocoon_result', { success: true, container_id: 'c' }],
    [{ op: 'spawn', success: false, error: 'No.' }, 'spawn_cocoon_result', { success: false, error: 'No.' }],
    [{ op: 'terminate', success: true }, 'terminate_cocoon_result', { success: true }],
    [{ op: 'terminate', success: false, error: 'No.' }, 'terminate_cocoon_result', { success: false, error: 'No.' }],
  ];

  it.each(results)('%j', (result, type, fields) => {
    expect(JSON.parse(resultMessage('legacy', 'r', result))).toEqual({ type, request_id: 'r', ...fields });
    expect(JSON.parse(resultMessage('hive', 'r', result))).toEqual({ type: `hive_${type}`, request_id: 'r', ...fields });
  });

  it.each<[Dialect, string]>([['hive', 'hive_register'], ['legacy', 'register_hive']])('a registration: %s', (dialect, type) => {
    const kinds = [{ id: 'k', runner_type: 'script', runner_config: {}, image: 'i' }];
    expect(JSON.parse(registerMessage(dialect, { hiveId: 'häve', secret: 's', version: '1', kinds }))).toEqual({
      type, hive_id: 'häve', version: '1', cocoon_kinds: kinds, hive_id_signature: createHmac('sha256', 's').update('häve', 'utf8').digest('hex'),
    });
  });
});

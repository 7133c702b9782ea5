import { describe, expect, it } from '@jest/globals';
import { findMask, maskSecrets, unmaskSecrets } from '../../shared/config/mask-secrets.js';
import { applyMergePatch } from '../../daemon/sources/merge-patch.js';

describe('masking secrets', () => {
  it.each([
    [{ API_TOKEN: 'x' }, { API_TOKEN: '***' }],
    [{ db_password: 1234, KEY: 'y', Credentials: { user: 'z' }, secrets: ['a', 'b'] }, { db_password: '***', KEY: '***', Credentials: { user: '***' }, secrets: ['***', '***'] }],
    [{ TOKEN: '${env.TOKEN}', EMPTY_KEY: '', MIXED_TOKEN: 'abc${env.X}' }, { TOKEN: '${env.TOKEN}', EMPTY_KEY: '', MIXED_TOKEN: '***' }],
    [{ URL: 'redis://:pw@host/1', U2: 'postgres://me:${env.P}@h/' }, { URL: 'redis://:***@host/1', U2: 'postgres://me:${env.P}@h/' }],
    [{ run: 'PASSWORD=abc ./x --api-key=def; export TOKEN="$OTHER"' }, { run: 'PASSWORD=*** ./x --api-key=***; export TOKEN="$OTHER"' }],
    [{ run: 'x --token abc --verbose', command: ['x', '--db-password', 'pw', '-v'] }, { run: 'x --token *** --verbose', command: ['x', '--db-password', '***', '-v'] }],
    [{ environment: { static: { A: 'x' }, dotenv: { files: ['.env'] } }, hooks: { 'pre-up': [{ run: 'y', environment: { A: 'x', B: '${env.B}' } }] } }, { environment: { static: { A: '***' }, dotenv: { files: ['.env'] } }, hooks: { 'pre-up': [{ run: 'y', environment: { A: '***', B: '${env.B}' } }] } }],
    [{ run: 'sleep 1', image: 'nginx:1', n: 5, flag: true, nothing: null }, { run: 'sleep 1', image: 'nginx:1', n: 5, flag: true, nothing: null }],
  ])('%j', (config, shown) => {
    expect(maskSecrets(config)).toEqual(shown);
    expect(unmaskSecrets(shown, config)).toEqual(config);
    expect(unmaskSecrets(maskSecrets(config), config)).toEqual(config);
  });

  it('finds a mask that stands for nothing', () => {
    expect(findMask(unmaskSecrets({ a: { TOKEN: '***' } }, { a: { OTHER: 'x' } }))).toBe('a.TOKEN');
    expect(findMask({ a: ['x', { b: 'c *** d' }] })).toBeNull();
  });
});

describe('a merge patch', () => {
  it.each([
    [{ a: 'b' }, { a: 'c' }, { a: 'c' }],
    [{ a: 'b', b: 'c' }, { a: null }, { b: 'c' }],
    [{ a: ['b'] }, { a: 'c' }, { a: 'c' }],
    [{ a: { b: 'c' } }, { a: { b: 'd', c: null } }, { a: { b: 'd' } }],
    [{ a: 'foo' }, 'bar', 'bar'],
    [['a'], { a: { bb: { ccc: null } } }, { a: { bb: {} } }],
  ])('%j with %j is %j', (target, patch, merged) => expect(applyMergePatch(target, patch)).toEqual(merged));

  it('cannot reach a prototype', () => {
    applyMergePatch({}, JSON.parse('{"__proto__": {"polluted": true}}'));
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
  });
});

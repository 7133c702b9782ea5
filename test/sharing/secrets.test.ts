import { describe, expect, it } from '@jest/globals';
import { inspect } from 'node:util';
import { fingerprint, fits } from '../../daemon/sharing/fingerprint.js';
import type { SecretVerdict, Share } from '../../daemon/sharing/resolve-uses.js';
import { SecretChecks } from '../../daemon/sharing/secret-checks.js';
import type { ServiceSpec } from '../../shared/config/service-spec.js';

describe('SecretChecks', () => {
  const settled = async (checks: SecretChecks, given: string, exposed = 'right'): Promise<SecretVerdict> => {
    await new Promise<void>((resolve) => { if (checks.verdict('hash', exposed, given, resolve) !== 'unchecked') resolve(); });
    return checks.verdict('hash', exposed, given, () => undefined);
  };

  it('compares once, off the event loop, and keeps the answer and no secret', async () => {
    const checks = new SecretChecks(() => undefined);
    expect(await settled(checks, 'right')).toBe('fits');
    expect(await settled(checks, 'wrong')).toBe('differs');
    expect(inspect(checks, { depth: 10, showHidden: true })).not.toMatch(/right|wrong/);
  });

  it('asks again after the spec was given up', async () => {
    const checks = new SecretChecks(() => undefined);
    expect(await settled(checks, 'right')).toBe('fits');
    checks.forget('hash');
    expect(await settled(checks, 'right', 'another')).toBe('differs');
  });

  it('shares one comparison between a thousand consumers, and does not hold up the loop', async () => {
    const checks = new SecretChecks(() => undefined);
    let told = 0;
    const beganAt = performance.now();
    for (let i = 0; i < 1_000; i += 1) checks.verdict('hash', 'right', 'right', () => { told += 1; });
    expect(performance.now() - beganAt).toBeLessThan(500);
    expect(await settled(checks, 'wrong')).toBe('differs');
    expect(told).toBe(1);
  });
});

describe('fingerprint', () => {
  const spec = (run: string): ServiceSpec => ({ runner: { type: 'script', run, workingDir: '/', shell: '/bin/sh' } }) as unknown as ServiceSpec;
  const share = (over: Partial<Share> = {}): Share => ({ name: 'db', alias: 'pg', variables: { URL: 'planted' }, ports: { sql: 1, metrics: 2 }, ...over });

  it('tells other variables, and other ports where the consumer names them', () => {
    const plain = fingerprint(share(), spec('x'));
    expect(fits(plain, share(), spec('x'))).toBe(true);
    expect(fits(plain, share({ variables: { URL: 'other' } }), spec('x'))).toBe(false);
    expect(fits(plain, share({ ports: { sql: 9, metrics: 2 } }), spec('x'))).toBe(true);
    const naming = spec('x {{ uses.pg.port.sql }}');
    expect(fits(fingerprint(share(), naming), share({ ports: { sql: 9, metrics: 2 } }), naming)).toBe(false);
    expect(fits(fingerprint(share(), naming), share({ ports: { sql: 1, metrics: 9 } }), naming)).toBe(true);
  });

  it('is salted and holds no value', () => {
    const [one, other] = [fingerprint(share(), spec('x')), fingerprint(share(), spec('x'))];
    expect(one).not.toBe(other);
    expect(one).not.toContain('planted');
  });
});

import { describe, expect, it } from '@jest/globals';
import { editDistance, nearestName } from '../../shared/config/nearest-name.js';

describe('nearestName', () => {
  it.each([
    ['enviroment', 'environment'],
    ['helthcheck', 'healthcheck'],
    ['depends-on', 'depends_on'],
    ['dependsOn', 'depends_on'],
    ['Runner', 'runner'],
    ['sotp', 'stop'],
    ['restrat', 'restart'],
  ])('takes %s for %s', (written, meant) => {
    expect(nearestName(written, ['runner', 'environment', 'healthcheck', 'depends_on', 'restart', 'stop', 'build'])).toBe(meant);
  });

  it('suggests nothing when nothing is near', () => {
    expect(nearestName('zebra', ['runner', 'environment'])).toBeNull();
    expect(nearestName('web', [])).toBeNull();
  });

  it('counts a swap of neighbours as one', () => {
    expect(editDistance('restrat', 'restart')).toBe(1);
    expect(editDistance('abc', 'abc')).toBe(0);
    expect(editDistance('', 'abc')).toBe(3);
  });
});

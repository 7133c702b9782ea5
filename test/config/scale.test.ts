import { describe, expect, it } from '@jest/globals';
import { problemsOf, runs, serviceOf, withServices } from './load.js';

const web = (scale: string, more = ''): string => withServices({ web: `{${runs}, scale: ${scale}${more}}` });
const MB = 2 ** 20;

describe('scale', () => {
  it('has the documented defaults', () => {
    expect(serviceOf(web('{}'), 'web').scale).toEqual({
      min: 1, max: 10, cpuUp: 0.8, cpuDown: 0.2, memoryUpBytes: null, memoryDownBytes: null, cooldownUpMs: 60_000, cooldownDownMs: 300_000,
    });
  });

  it('starts with min instances, unless instances says otherwise', () => {
    expect(serviceOf(web('{min: 3}'), 'web').instances).toBe(3);
    expect(serviceOf(web('{min: 3}', ', instances: 5'), 'web').instances).toBe(5);
  });

  it('takes memory as a size, or as a share of limits.memory', () => {
    expect(serviceOf(web('{memory_up: 400MB, memory_down: 1.5MB}'), 'web').scale).toMatchObject({ memoryUpBytes: 400 * MB, memoryDownBytes: 1.5 * MB });
    expect(serviceOf(web('{memory_up: 75%, memory_down: 100MB}', ', limits: {memory: 800MB}'), 'web').scale).toMatchObject({ memoryUpBytes: 600 * MB, memoryDownBytes: 100 * MB });
  });

  it.each([
    ['{memory_up: 80%}', '', 'scale.memory_up', 'scale.memory_up of service web is a share of limits.memory, which it does not have.'],
    ['{memory_up: 80%}', ', limits: {cpu: 1}', 'scale.memory_up', 'scale.memory_up of service web is a share of limits.memory, which it does not have.'],
    ['{memory_up: 50%, memory_down: 600MB}', ', limits: {memory: 1GB}', 'scale.memory_down', 'scale.memory_down of service web must be less than memory_up.'],
    ['{memory_down: 600MB}', '', 'scale.memory_down', 'has no memory_up beside it'],
    ['{memory_up: 400}', '', 'scale.memory_up', 'has no unit: write a share of limits.memory such as 80%, or a size such as 400MB'],
    ['{memory_up: 120%}', '', 'scale.memory_up', 'is more than 100%'],
    ['{memory_up: 4XB}', '', 'scale.memory_up', 'has the unknown unit "XB"'],
    ['{memory_up: 0MB}', '', 'scale.memory_up', 'must be more than nothing'],
    ['{cpu_up: 0%, cpu_down: 0%}', '', 'scale.cpu_up', 'must be more than nothing'],
    ['{cpu_up: 20%}', '', 'scale.cpu_down', 'must be less than cpu_up'],
    ['{min: 2, max: 4}', ', instances: 5', 'instances', 'is outside of scale, which goes from 2 to 4'],
  ])('%s%s is refused', (scale, more, path, message) => {
    expect(problemsOf(web(scale, more))).toEqual([expect.objectContaining({ path: `services.web.${path}`, message: expect.stringContaining(message) as unknown })]);
  });
});

import { describe, expect, it } from '@jest/globals';
import { configJsonSchema } from '../../shared/config/json-schema.js';
import { problemsOf, runs, serviceOf, withServices } from './load.js';

const port = 'rollout: {type: recreate, recreate: {ports: {http: 8080}}}';
const withCheck = (check: string, top = ''): string => withServices({ web: `{${runs}, ${port}, healthcheck: ${check}}` }, top);

describe('interval, timeout, retries and start_period of a health check', () => {
  it.each([
    ['http', 'path: /up'],
    ['tcp', ''],
    ['cmd', 'command: "true"'],
  ])('may stand in the block or beside type, to the same effect (%s)', (type, own) => {
    const inside = withCheck(`{type: ${type}, ${type}: {${own}${own === '' ? '' : ', '}interval: 1s, timeout: 2s, retries: 4, start_period: 5s}}`);
    const beside = withCheck(`{type: ${type}, ${type}: {${own}}, interval: 1s, timeout: 2s, retries: 4, start_period: 5s}`);
    const { healthcheck, specHash } = serviceOf(beside, 'web');
    expect(healthcheck).toMatchObject([{ type, intervalMs: 1_000, timeoutMs: 2_000, retries: 4, startPeriodMs: 5_000 }]);
    expect(specHash).toBe(serviceOf(inside, 'web').specHash);
  });

  it('may be in both places as long as each is said once', () => {
    const [check] = serviceOf(withCheck('[{type: tcp, tcp: {interval: 1s}, retries: 7}]'), 'web').healthcheck;
    expect(check).toMatchObject({ intervalMs: 1_000, retries: 7, timeoutMs: 5_000 });
  });

  it('are refused with one sentence when both places say them', () => {
    const problems = problemsOf(withCheck('[{type: tcp, tcp: {interval: 1s}, interval: 1s}]'));
    expect(problems).toHaveLength(1);
    expect(problems[0]).toMatchObject({
      code: 'CONFLICT',
      path: 'services.web.healthcheck[0].interval',
      message: 'The tcp health check of service web says interval twice: beside type and under tcp.',
      line: 3,
    });
  });

  it('beside type go above the defaults of the source', () => {
    const defaults = 'defaults: {hive.health.tcp: {interval: 9s, timeout: 8s}}\n';
    const [check] = serviceOf(withCheck('{type: tcp, tcp: {}, interval: 1s}', defaults), 'web').healthcheck;
    expect(check).toMatchObject({ intervalMs: 1_000, timeoutMs: 8_000 });
  });

  it('are checked like those in the block', () => {
    const messages = (check: string): string[] => problemsOf(withCheck(check)).map(({ message }) => message);
    expect(messages('{type: tcp, tcp: {}, interval: 5}')).toEqual([expect.stringMatching(/^healthcheck.interval of service web \("5"\) has no unit/)]);
    expect(messages('{type: tcp, tcp: {}, intervall: 5s}')).toEqual(['Unknown key "intervall" in healthcheck of service web: did you mean "interval"?']);
    expect(messages('{type: tcp, tcp: {}, retries: 0}')).toEqual(['healthcheck.retries of service web ("0") must be at least 1.']);
  });

  it('are known to editors in both places', () => {
    const text = JSON.stringify(configJsonSchema());
    expect(text.match(/"start_period"/g)?.length).toBeGreaterThanOrEqual(4);
  });
});

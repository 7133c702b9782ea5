import { describe, expect, it } from '@jest/globals';
import { notYetSupported } from '../../shared/config/not-yet-supported.js';
import { problemsOf, runs, withServices } from './load.js';

const ports = 'rollout: {type: recreate, recreate: {ports: {http: 80}}}';
const samples: Record<string, string> = {
  'the docker runner': withServices({ web: '{runner: {type: docker, docker: {image: x}}}' }),
  'the podman runner': withServices({ web: '{runner: {type: podman, podman: {image: x}}}' }),
  'the compose runner': withServices({ web: '{runner: {type: compose, compose: {service: x}}}' }),
  'the swarm runner': withServices({ web: '{runner: {type: swarm, swarm: {image: x}}}' }),
  'blue-green rollout': withServices({ web: `{${runs}, rollout: {type: blue-green, blue-green: {ports: {http: auto}}}, proxy: {path: /}, healthcheck: {type: tcp, tcp: {}}}` }),
  'rolling rollout': withServices({ web: `{${runs}, rollout: {type: rolling, rolling: {ports: {http: auto}}}}` }),
  proxy: withServices({ web: `{${runs}, ${ports}, proxy: {path: /}}` }),
  hooks: withServices({ web: `{${runs}, hooks: {pre-up: [{run: x}]}}` }),
  'more than one instance': withServices({ web: `{${runs}, instances: 2}` }),
  limits: withServices({ web: `{${runs}, limits: {cpu: 1}}` }),
  'hooks of a source': 'version: "1"\nhooks: {pre-up: [{run: x}]}\nservices: {}\n',
  'the proxy': 'version: "1"\nproxy: {bind: ":80"}\nservices: {}\n',
};

describe('what this build does not run yet', () => {
  it('is nothing that the format knows', () => {
    for (const text of Object.values(samples)) expect(problemsOf(text, { unsupported: notYetSupported })).toEqual([]);
  });

  it('would be refused at its line, never ignored', () => {
    const isSwarm = { feature: 'the swarm runner', at: ['services', '*', 'runner', 'type'], when: (value: unknown) => value === 'swarm' };
    const hooks = { feature: 'hooks', at: ['services', '*', 'hooks'] };
    for (const row of [isSwarm, hooks]) {
      const refused = problemsOf(samples[row.feature] ?? '', { unsupported: [row] });
      expect(refused).toMatchObject([{ code: 'NOT_SUPPORTED', message: expect.stringContaining(`does not support ${row.feature} yet`) as unknown, line: 3 }]);
    }
    expect(problemsOf(samples['the docker runner'] ?? '', { unsupported: [isSwarm] })).toEqual([]);
  });

  it('lets one instance of a script with health checks pass', () => {
    const text = withServices({ web: `{${runs}, ${ports}, instances: 1, restart: always, healthcheck: [{type: http, http: {}}, {type: tcp, tcp: {}}, {type: cmd, cmd: {command: x}}]}` });
    expect(problemsOf(text, { unsupported: notYetSupported })).toEqual([]);
  });
});

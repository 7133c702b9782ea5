import { describe, expect, it } from '@jest/globals';
import { problemsOf, runs, specOf, withServices } from './load.js';

const port = (number: number | string, name = 'http') => `rollout: {type: recreate, recreate: {ports: {${name}: ${number}}}}`;

describe('dependencies', () => {
  const waits = (...names: string[]) => `{${runs}, depends_on: [${names.join(', ')}]}`;

  it('spells a circle out, once, and leaves those who only wait for it alone', () => {
    const problems = problemsOf(withServices({ a: waits('b'), b: waits('c'), c: waits('a'), d: waits('a') }));
    expect(problems).toEqual([expect.objectContaining({ code: 'DEPENDENCY_CYCLE', line: 3, message: 'Services wait for each other in a circle: a → b → c → a.' })]);
  });

  it('reports each of two circles, and a service that waits for itself', () => {
    const problems = problemsOf(withServices({ a: waits('b'), b: waits('a'), c: waits('d'), d: waits('c'), e: waits('e') }));
    expect(problems.map((problem) => problem.message)).toEqual([
      'Services wait for each other in a circle: a → b → a.',
      'Services wait for each other in a circle: c → d → c.',
      'Service e depends on itself.',
    ]);
  });

  it('finds no circle in a diamond, nor in a chain of 5,000', () => {
    expect(problemsOf(withServices({ a: waits('b', 'c'), b: waits('d'), c: waits('d'), d: `{${runs}}` }))).toEqual([]);
    const chain = Object.fromEntries(Array.from({ length: 5000 }, (_, index) => [`s${index}`, index === 4999 ? `{${runs}}` : waits(`s${index + 1}`)]));
    expect(specOf(withServices(chain)).services).toHaveLength(5000);
  });

  it('points at a name that does not exist, in either form', () => {
    const problems = problemsOf(withServices({ postgres: `{${runs}}`, a: waits('postgers'), b: `{${runs}, depends_on: {postgrs: {condition: started}}}` }));
    expect(problems.map(({ line, column, suggestion }) => [line, column, suggestion])).toEqual([[4, 66, 'postgres'], [5, 66, 'postgres']]);
  });
});

describe('ports', () => {
  it.each([
    ['a route', `{${runs}, proxy: {path: /x}}`, 'services.web.proxy', 'The route of service web needs a port'],
    ['an http check', `{${runs}, healthcheck: {type: http, http: {path: /}}}`, 'services.web.healthcheck.http', 'The http health check of service web needs a port'],
    ['a tcp check', `{${runs}, healthcheck: [{type: tcp, tcp: {}}]}`, 'services.web.healthcheck[0].tcp', 'needs a port'],
  ])('%s needs a rollout', (_, body, path, message) => {
    const problems = problemsOf(withServices({ web: body }));
    expect(problems.map((problem) => problem.path)).toEqual([path]);
    expect(problems[0]?.message).toContain(message);
  });

  it('are not needed by a check that runs a command', () => {
    expect(problemsOf(withServices({ web: `{${runs}, healthcheck: {type: cmd, cmd: {command: "true"}}}` }))).toEqual([]);
  });

  it('are named when there are several and none is http', () => {
    const two = 'rollout: {type: recreate, recreate: {ports: {api: 80, admin: 81}}}';
    const problems = problemsOf(withServices({ web: `{${runs}, ${two}, healthcheck: {type: tcp, tcp: {}}}` }));
    expect(problems[0]?.message).toBe('This tcp health check of service web needs port: the service has several: api, admin.');
    expect(problemsOf(withServices({ web: `{${runs}, ${port(80)}, proxy: [{path: /a, port: http}, {path: /b}]}` }))[0]?.message).toContain('in a list of routes each names its port');
  });

  it.each([
    ['by name', 'htpp', 'http'],
    ['by template', '"{{runtime.port.htpp}}"', '{{runtime.port.http}}'],
    ['by number', '81', undefined],
  ])('that do not exist are refused %s', (_, reference, suggestion) => {
    const problems = problemsOf(withServices({ web: `{${runs}, ${port(80)}, healthcheck: {type: tcp, tcp: {port: ${reference}}}}` }));
    expect(problems.map((problem) => [problem.code, problem.path, problem.suggestion])).toEqual([['UNKNOWN_NAME', 'services.web.healthcheck.tcp.port', suggestion]]);
  });

  it('belong to one service', () => {
    const problems = problemsOf(withServices({ a: `{${runs}, ${port(80)}}`, b: `{${runs}, ${port(80)}}`, c: `{${runs}, ${port('auto')}}`, d: `{${runs}, ${port('auto')}}` }));
    expect(problems).toEqual([expect.objectContaining({ line: 4, code: 'CONFLICT', message: 'Host port 80 for port http of service b is taken by port http of service a.' })]);
  });

  it('cannot be shared by instances, whether scaled by hand or not', () => {
    for (const many of ['instances: 3', 'scale: {max: 3}']) {
      const problems = problemsOf(withServices({ web: `{${runs}, ${port(80)}, ${many}}` }));
      expect(problems.map(({ message, suggestion }) => [message, suggestion])).toEqual([['Port http of service web is 80, which 3 instances cannot share.', 'auto']]);
      expect(problemsOf(withServices({ web: `{${runs}, ${port('auto')}, ${many}}` }))).toEqual([]);
    }
  });

  it('do not get the same variable name', () => {
    const problems = problemsOf(withServices({ web: `{${runs}, rollout: {type: recreate, recreate: {ports: {http-api: 80, http_api: 81}}}}` }));
    expect(problems[0]?.message).toBe('Ports http-api and http_api of service web would both be the variable PORT_HTTP_API.');
  });
});

describe('blue-green', () => {
  const colours = 'rollout: {type: blue-green, blue-green: {ports: {http: {blue: 80, green: 81}}}}';

  it.each([
    [`{${runs}, ${colours}}`, 'no health check and no proxy route'],
    [`{${runs}, ${colours}, proxy: {path: /}}`, 'no health check.'],
    [`{${runs}, ${colours}, healthcheck: {type: tcp, tcp: {}}}`, 'no proxy route.'],
  ])('needs a health check and a route: %s', (body, message) => {
    const problems = problemsOf(withServices({ web: body }));
    expect(problems).toHaveLength(1);
    expect(problems[0]?.message).toContain(message);
  });

  it('needs two ports', () => {
    const same = colours.replace('81', '80');
    expect(problemsOf(withServices({ web: `{${runs}, ${same}, proxy: {path: /}, healthcheck: {type: tcp, tcp: {}}}` }))[0]?.message).toContain('Host port 80');
  });
});

describe('routes, expose names and aliases', () => {
  it('belong to one service', () => {
    const problems = problemsOf(withServices({
      a: `{${runs}, ${port(80)}, proxy: {host: X.test, path: /api}, expose: {name: e}}`,
      b: `{${runs}, ${port(81)}, proxy: {host: x.test, path: /api/}, expose: {name: e}}`,
      c: `{${runs}, ${port(82)}, proxy: {path: /api}, uses: [{name: p}, {name: q, as: p}]}`,
    }));
    expect(problems.map((problem) => problem.message)).toEqual([
      'The route x.test/api of service b belongs to service a already.',
      'The expose name e of service b belongs to service a already.',
      'Two entries in uses of service c are called p: give one another name with as.',
    ]);
  });
});

describe('templates', () => {
  it('are checked in every field that is filled in, and refused where nothing is', () => {
    const problems = problemsOf(withServices({
      a: `{runner: {type: script, script: {run: "x {{runtime.port.nope}}"}}, ${port(80)}, environment: {static: {A: "{{uses.pg.port.db}}"}}, uses: [{name: pgs}]}`,
      b: `{${runs}, ${port(81)}, build: {command: "make {{runtime.port.http}}"}}`,
      c: `{runner: {type: script, script: {run: "docker ps {{.ID}} {{json .}} {{{runtime.port.zzz}}}"}}}`,
      d: `{runner: {type: script, script: {run: "{{rntime.port.http}}"}}, ${port(82)}}`,
    }));
    expect(problems.map(({ path, suggestion }) => [path, suggestion])).toEqual([
      ['services.a.runner.script.run', undefined],
      ['services.a.environment.static.A', '{{uses.pgs.port.db}}'],
      ['services.b.build.command', undefined],
      ['services.d.runner.script.run', '{{runtime.port.http}}'],
    ]);
  });

  it('have no ports in the hooks of a source, which may have any in its environment', () => {
    const text = `version: "1"\nenvironment: {static: {A: "{{runtime.port.http}}"}}\nhooks: {pre-up: [{run: "x {{runtime.port.http}} {{uses.db.port.sql}}"}]}\nservices: {}\n`;
    expect(problemsOf(text).map(({ path, message }) => [path, message])).toEqual([
      ['hooks.pre-up[0].run', '{{runtime.port.http}} refers to the port "http", which does not exist: a source has none.'],
      ['hooks.pre-up[0].run', '{{uses.db.port.sql}} refers to the alias in uses "db", which does not exist: a source has none.'],
    ]);
  });

  it('blame no port while the ports themselves are wrong', () => {
    expect(problemsOf(withServices({ a: `{runner: {type: script, script: {run: "x {{runtime.port.http}}"}}, ${port(99999)}}` }))).toHaveLength(1);
  });
});

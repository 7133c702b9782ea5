import { describe, expect, it } from '@jest/globals';
import { problemsOf, runs, withServices } from './load.js';

describe('ten mistakes', () => {
  const text = [
    'version: "1"', // 1
    'enviroment: {dotenv: {}}',
    'services:',
    '  api:',
    '    runner: {type: scrpit, script: {run: serve}}', // 5
    '    restart: allways',
    '    depends_on: [dbb]',
    '  db:',
    '    runner: {type: script, script: {rn: postgres}}',
    '    stop: {grace: 5}', // 10
    '  cache:',
    '    runner: {type: script, script: {run: "redis --port {{runtime.port.htp}}"}}',
    '    rollout: {type: recreate, recreate: {ports: {http: 6379}}}',
    '    healthcheck: {type: http, http: {port: htttp, path: health}}',
    '    environment: {static: {TOKEN: ${env.NOT_SET}}}', // 15
    '  web:',
    `    ${runs}`,
  ].join('\n');
  const problems = problemsOf(text);

  it('are ten problems, each at its own line, column and with the right word', () => {
    expect(problems.map(({ line, column, code, suggestion }) => [line, column, code, suggestion])).toEqual([
      [2, 1, 'UNKNOWN_KEY', 'environment'],
      [5, 20, 'INVALID_VALUE', 'script'],
      [6, 14, 'INVALID_VALUE', 'always'],
      [7, 18, 'UNKNOWN_NAME', 'db'],
      [9, 37, 'UNKNOWN_KEY', 'run'],
      [10, 19, 'INVALID_VALUE', undefined],
      [12, 42, 'UNKNOWN_NAME', '{{runtime.port.http}}'],
      [14, 57, 'INVALID_VALUE', undefined],
      [15, 35, 'INVALID_VALUE', undefined],
    ].sort((a, b) => Number(a[0]) - Number(b[0])));
  });

  it('show the line as it was written and name the file', () => {
    for (const problem of problems) {
      expect(problem.file).toBe('/project/.adi/hive.yaml');
      expect(problem.offendingLine).toBe(text.split('\n')[problem.line - 1]);
      expect(problem.message).toMatch(/[.?]$/);
    }
  });
});

/** Every one a single mistake: `line` and `column` are those of the body, which stands at line 3 from column 8 on. */
const single: [string, string, { path: string; message: string; suggestion?: string }][] = [
  ['an unknown key', `{${runs}, colour: red}`, { path: 'services.web.colour', message: 'Unknown key "colour" in service web.' }],
  ['a dash for an underscore', `{${runs}, depends-on: []}`, { path: 'services.web.depends-on', message: 'did you mean "depends_on"?', suggestion: 'depends_on' }],
  ['a missing runner', '{restart: always}', { path: 'services.web.runner', message: 'runner of service web is missing.' }],
  ['an empty service', '', { path: 'services.web', message: 'Service web has no value: give it one or remove the line.' }],
  ['a service that is a text', 'serve', { path: 'services.web', message: 'Service web must be a map, not a text.' }],
  ['a runner block without a type', '{runner: {script: {run: x}}}', { path: 'services.web.runner.type', message: 'runner.type of service web is missing.' }],
  ['a runner type without its block', '{runner: {type: script}}', { path: 'services.web.runner.script', message: 'is missing: with type script' }],
  ['a block of another type', '{runner: {type: docker, script: {run: x}}}', { path: 'services.web.runner.script', message: 'does not belong here, because type is docker.' }],
  ['an empty command', '{runner: {type: script, script: {run: ""}}}', { path: 'services.web.runner.script.run', message: 'must not be empty.' }],
  ['a bare number of seconds', `{${runs}, restart: {delay: 3}}`, { path: 'services.web.restart.delay', message: 'restart.delay of service web ("3") has no unit: write 3s' }],
  ['a bare number of bytes', `{${runs}, logs: {max_size: 10}}`, { path: 'services.web.logs.max_size', message: 'has no unit: write 10MB' }],
  ['a bare percentage', `{${runs}, scale: {cpu_up: 80}}`, { path: 'services.web.scale.cpu_up', message: 'has no unit: write 80%' }],
  ['a misspelt key inside a choice', `{${runs}, restart: {polcy: always}}`, { path: 'services.web.restart.polcy', message: 'did you mean "policy"?', suggestion: 'policy' }],
  ['a list for a restart policy', `{${runs}, restart: [always]}`, { path: 'services.web.restart', message: 'must be' }],
  ['delays the wrong way round', `{${runs}, restart: {delay: 9s, max_delay: 5s}}`, { path: 'services.web.restart.max_delay', message: 'is shorter than delay.' }],
  ['a misspelt signal', `{${runs}, stop: {signal: SIGTREM}}`, { path: 'services.web.stop.signal', message: 'did you mean SIGTERM?', suggestion: 'SIGTERM' }],
  ['a port out of range', `{${runs}, rollout: {type: recreate, recreate: {ports: {http: 99999}}}}`, { path: 'services.web.rollout.recreate.ports.http', message: 'must be at most 65535.' }],
  ['a port that is a word', `{${runs}, rollout: {type: recreate, recreate: {ports: {http: atuo}}}}`, { path: 'services.web.rollout.recreate.ports.http', message: 'did you mean auto?', suggestion: 'auto' }],
  ['a port name that is none', `{${runs}, rollout: {type: recreate, recreate: {ports: {HTTP: 80}}}}`, { path: 'services.web.rollout.recreate.ports.HTTP', message: 'The port name "HTTP" starts with the capital letter "H"' }],
  ['a status that is none', `{${runs}, rollout: {type: recreate, recreate: {ports: {http: 80}}}, healthcheck: {type: http, http: {status: 2x}}}`, { path: 'services.web.healthcheck.http.status', message: 'is not an HTTP status' }],
  ['a host with a scheme', `{${runs}, rollout: {type: recreate, recreate: {ports: {http: 80}}}, proxy: {host: "http://x"}}`, { path: 'services.web.proxy.host', message: 'is not a host name' }],
  ['a path without a slash', `{${runs}, rollout: {type: recreate, recreate: {ports: {http: 80}}}, proxy: {path: api}}`, { path: 'services.web.proxy.path', message: 'must start with /.' }],
  ['a path that climbs', `{${runs}, rollout: {type: recreate, recreate: {ports: {http: 80}}}, proxy: {path: /a/../b}}`, { path: 'services.web.proxy.path', message: 'must not contain . or .. segments.' }],
  ['a variable that cannot be one', `{${runs}, environment: {static: {1A: b}}}`, { path: 'services.web.environment.static.1A', message: 'is not the name of an environment variable' }],
  ['a variable without a value', `{${runs}, environment: {static: {A: }}}`, { path: 'services.web.environment.static.A', message: 'has no value' }],
  ['a step that does nothing', `{${runs}, hooks: {pre-up: [{timeout: 5s}]}}`, { path: 'services.web.hooks.pre-up[0]', message: 'does nothing: give it run, runner or parallel.' }],
  ['a step that does two things', `{${runs}, hooks: {pre-up: [{run: a, parallel: [{run: b}]}]}}`, { path: 'services.web.hooks.pre-up[0]', message: 'has run and parallel' }],
  ['a mistake deep in parallel steps', `{${runs}, hooks: {pre-up: [{parallel: [{run: a, timout: 5s}]}]}}`, { path: 'services.web.hooks.pre-up[0].parallel[0].timout', message: 'did you mean "timeout"?', suggestion: 'timeout' }],
  ['a scale the wrong way round', `{${runs}, scale: {min: 3, max: 2}}`, { path: 'services.web.scale.max', message: 'is less than min (3).' }],
  ['no instances', `{${runs}, instances: 0}`, { path: 'services.web.instances', message: 'must be at least 1.' }],
  ['half an instance', `{${runs}, instances: 1.5}`, { path: 'services.web.instances', message: 'must be a whole number' }],
];

describe('one mistake is one problem', () => {
  it.each(single)('%s', (_, body, expected) => {
    const problems = problemsOf(withServices({ web: body }));
    expect(problems.map(({ path, line }) => [path, line])).toEqual([[expected.path, 3]]);
    expect(problems[0]?.message).toContain(expected.message);
    expect(problems[0]?.suggestion).toBe(expected.suggestion);
  });

  it.each([
    ['a misspelt services', 'version: "1"\nservces: {}\n', 'servces', 'did you mean "services"?'],
    ['no version', 'services: {}\n', 'version', 'version is missing.'],
    ['another version', 'version: "2"\nservices: {}\n', 'version', 'must be "1", the only version there is.'],
    ['a misspelt plugin id in defaults', 'version: "1"\ndefaults: {hive.runer.docker: {}}\nservices: {}\n', 'defaults.hive.runer.docker', 'did you mean "hive.runner.docker"?'],
    ['a misspelt setting in defaults', 'version: "1"\ndefaults: {hive.health.http: {tiemout: 5s}}\nservices: {}\n', 'defaults.hive.health.http.tiemout', 'did you mean "timeout"?'],
    ['a default without unit', 'version: "1"\ndefaults: {hive.health.http: {timeout: 5}}\nservices: {}\n', 'defaults.hive.health.http.timeout', 'has no unit'],
    ['a list at the top', '- a\n- b\n', '', 'The document must be a map, not a list.'],
    ['text at the top', 'hello', '', 'The document must be a map, not a text.'],
  ])('%s', (_, text, path, message) => {
    const problems = problemsOf(text);
    expect(problems.map((problem) => problem.path)).toEqual([path]);
    expect(problems[0]?.message).toContain(message);
  });

  it('follows a misspelt key and checks what stands under it', () => {
    const body = `{${runs}, rolout: {type: recreate, recreate: {prts: {http: 80}}}, helthcheck: {type: http, http: {port: htpt}}}`;
    expect(problemsOf(withServices({ web: body })).map((problem) => problem.suggestion)).toEqual(['rollout', 'ports', 'healthcheck', 'http']);
  });

  it('keeps proxy and plugins to the default source', () => {
    const text = 'version: "1"\nproxy: {bind: ":80"}\nplugins: {}\nservices: {}\n';
    expect(problemsOf(text)).toEqual([]);
    expect(problemsOf(text, { source: 'shop' }).map(({ path, line }) => [path, line])).toEqual([['proxy', 2], ['plugins', 3]]);
  });

  it('refuses a source name that is none', () => {
    expect(problemsOf('version: "1"\nservices: {}\n', { source: 'My Shop' })[0]?.message).toContain('The source name "My Shop" starts with the capital letter "M"');
  });
});

describe('secrets in problems', () => {
  it('are left out of messages and lines', () => {
    const text = `version: "1"\nservices:\n  web: {${runs}, environment: {static: {PASSWORD: hunter2, 1A: hunter2}}, expose: {name: X, secret: hunter2}, token: hunter2}\n`;
    const problems = problemsOf(text);
    expect(problems).toHaveLength(3);
    expect(JSON.stringify(problems)).not.toContain('hunter2');
  });

  it('that came from the environment are shown as what was written', () => {
    const text = `version: "1"\nservices:\n  web: {${runs}, restart: "\${env.PLANTED}", stop: {grace: "\${env.PLANTED}"}}\n`;
    const problems = problemsOf(text, { env: { PLANTED: 'hunter2' } });
    expect(problems).toHaveLength(2);
    expect(JSON.stringify(problems)).not.toContain('hunter2');
    expect(problems[0]?.message).toContain('${env.PLANTED}');
  });
});

import { describe, expect, it } from '@jest/globals';
import { resolveRuntime } from '../../shared/config/runtime-template.js';
import { problemsOf, runs, serviceOf, withServices } from './load.js';

const staticOf = (value: string, env: Record<string, string> = {}) =>
  serviceOf(withServices({ web: `{${runs}, environment: {static: {X: ${value}}}}` }), 'web', { env }).environment.service.static['X'];

describe('${…}, when the file is read', () => {
  it.each([
    ['${env.A}', 'one'],
    ['"${env.A}-${env.A}"', 'one-one'],
    ['${env.NOPE:-two}', 'two'],
    ['${env.NOPE:-}', ''],
    ['${env.EMPTY:-three}', 'three'],
    ['${env.EMPTY}', ''],
    ['${service.name}', 'web'],
    ['"$${env.A}"', '${env.A}'],
    ['"${HOME} ${HOME:-x} $HOME ${x%.txt}"', '${HOME} ${HOME:-x} $HOME ${x%.txt}'],
    ['${env.TRICKY}', '${env.A}: [a]'],
  ])('%s is %s', (written, meant) => {
    expect(staticOf(written, { A: 'one', EMPTY: '', TRICKY: '${env.A}: [a]' })).toBe(meant);
  });

  it('works unquoted inside of flow maps, and beside accents and icons', () => {
    const text = withServices({ web: `{${runs}, environment: {static: {X: \${env.A:-a, b: c}, Y: "é\uE000", Z: x\${env.B}}}}` });
    expect(serviceOf(text, 'web', { env: { B: 'y' } }).environment.service.static).toEqual({ X: 'a, b: c', Y: 'é\uE000', Z: 'xy' });
  });

  it('makes numbers where numbers are wanted', () => {
    const service = serviceOf(withServices({ web: `{${runs}, rollout: {type: recreate, recreate: {ports: {http: \${env.P:-8080}}}}, instances: \${env.N}}` }), 'web', { env: { N: '1' } });
    expect(service.rollout.ports).toEqual({ http: 8080 });
    expect(service.instances).toBe(1);
  });

  it('names what is not set, at its line and column, and says nothing more about that value', () => {
    const text = withServices({ web: `{${runs}, stop: {grace: "\${env.GRACE}"}, rollout: {type: recreate, recreate: {ports: {http: \${env.PROT}}}}}` });
    expect(problemsOf(text, { env: {} })).toMatchObject([
      { line: 3, column: 70, message: 'The environment variable GRACE is not set, and services.web.stop.grace has no default for it.' },
      { line: 3, message: 'The environment variable PROT is not set, and services.web.rollout.recreate.ports.http has no default for it.' },
    ]);
  });

  it.each([
    ['"${evn.A}"', '${evn.A} is unknown: Hive fills in ${env.NAME} and ${service.name}.', '${env.A}'],
    ['"${service.nmae}"', '${service.nmae} is unknown.', '${service.name}'],
    ['"${env.A"', '"${env.A" is not closed: } is missing.', undefined],
    ['"${env.1A}"', '"1A" in ${env.1A} is not the name of an environment variable.', undefined],
  ])('refuses %s', (written, message, suggestion) => {
    expect(problemsOf(withServices({ web: `{${runs}, environment: {static: {X: ${written}}}}` }))).toMatchObject([{ message, ...(suggestion === undefined ? {} : { suggestion }) }]);
  });

  it('knows no service outside of services', () => {
    expect(problemsOf('version: "1"\nenvironment: {static: {A: "${service.name}"}}\nservices: {}\n')).toMatchObject([{ line: 2, message: '${service.name} stands outside of a service, where it means nothing.' }]);
  });
});

describe('{{…}}, when an instance starts', () => {
  const values = { ports: { http: 8012, 'grpc-api': 9000 }, uses: { pg: { db: 5432 } } };

  it.each([
    ['serve --port {{runtime.port.http}}', 'serve --port 8012'],
    ['{{ runtime.port.grpc-api }}{{runtime.port.http}}', '90008012'],
    ['postgres://h:{{uses.pg.port.db}}/', 'postgres://h:5432/'],
    ['{{{runtime.port.http}}}', '{{runtime.port.http}}'],
    ["docker ps --format '{{.ID}} {{json .}}'", "docker ps --format '{{.ID}} {{json .}}'"],
    ['no braces', 'no braces'],
    ['{ {runtime.port.http} }', '{ {runtime.port.http} }'],
    ['$(rm -rf /) {{runtime.port.http}}', '$(rm -rf /) 8012'],
  ])('%s becomes %s', (written, meant) => {
    expect(resolveRuntime(written, values)).toBe(meant);
  });

  it.each(['{{runtime.port.nope}}', '{{uses.pg.port.nope}}', '{{uses.x.port.db}}', '{{runtime.port.constructor}}', '{{runtime.color}}'])('refuses %s', (written) => {
    expect(() => resolveRuntime(written, values)).toThrow(`${written} cannot be filled in: there is no such port.`);
  });
});

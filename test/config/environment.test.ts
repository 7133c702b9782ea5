import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { parseDotenv } from '../../shared/config/dotenv.js';
import { readProviders, resolveEnvironment } from '../../shared/config/resolve-environment.js';
import { serviceOf, withServices, runs } from './load.js';

const ports = 'rollout: {type: recreate, recreate: {ports: {http: 8012, metrics-api: 9091}}}';
const spec = serviceOf(
  withServices({ web: `{${runs}, ${ports}, environment: {static: {A: service, URL: "http://localhost:{{runtime.port.http}}"}}}` }, 'environment: {static: {A: source, C: source}}\n'),
  'web',
);

describe('the environment of an instance', () => {
  it('takes the highest of every layer', () => {
    const layer = (value: string, ...names: string[]) => Object.fromEntries(names.map((name) => [name, value]));
    const environment = resolveEnvironment({
      spec,
      instance: 2,
      ports: { http: 8012, 'metrics-api': 9091 },
      provided: {
        service: [layer('first provider', 'A', 'B', 'B2'), layer('second provider', 'A', 'B')],
        source: [layer('source provider', 'A', 'B', 'C', 'D', 'HIVE_SERVICE_FQN')],
      },
      used: layer('used', 'A', 'D', 'E', 'PORT_HTTP'),
      daemonEnvironment: { PATH: '/bin', HOME: '/root', LC_ALL: 'C', AWS_SECRET: 'planted', NODE_OPTIONS: '--inspect', E: 'daemon', UNSET: undefined },
    });
    expect(environment).toEqual({
      A: 'service',
      B: 'second provider',
      B2: 'first provider',
      C: 'source',
      D: 'source provider',
      E: 'used',
      URL: 'http://localhost:8012',
      PORT: '8012',
      PORT_HTTP: 'used',
      HIVE_PORT_HTTP: '8012',
      PORT_METRICS_API: '9091',
      HIVE_PORT_METRICS_API: '9091',
      HIVE_SERVICE_FQN: 'default:web',
      HIVE_INSTANCE: '2',
      PATH: '/bin',
      HOME: '/root',
      LC_ALL: 'C',
    });
  });

  it('has PORT for the only port, and none where nobody can tell', () => {
    const portOf = (named: Record<string, number>) => resolveEnvironment({ spec: { ...spec, environment: { service: { static: {}, providers: [] }, source: { static: {}, providers: [] } } }, instance: 1, ports: named, provided: { service: [], source: [] }, daemonEnvironment: {} })['PORT'];
    expect(portOf({ db: 5432 })).toBe('5432');
    expect(portOf({ a: 1, b: 2 })).toBeUndefined();
    expect(portOf({ a: 1, http: 2 })).toBe('2');
  });
});

describe('.env files', () => {
  it('are read as people write them', () => {
    const text = '\uFEFF# a comment\nA=1\r\nexport B = two words # comment\nC="line\\nline \\"x\\" # kept"\nD=\'raw \\n $X\'\nE=\nF="over\nlines"\nG=a#b\n\nH="" # none\nI=${A}\n';
    expect(parseDotenv(text, '.env')).toEqual({ A: '1', B: 'two words', C: 'line\nline "x" # kept', D: 'raw \\n $X', E: '', F: 'over\nlines', G: 'a#b', H: '', I: '${A}' });
  });

  it.each([
    ['A=1\nnonsense secret-value\n', 'Line 2 of .env is not KEY=value.'],
    ['A="secret-value\n', 'Line 1 of .env opens a quote (") that is never closed.'],
    ['A=1\nB="x" secret-value\n', 'Line 2 of .env goes on after the closing quote.'],
    ['1A=x\n', 'Line 1 of .env is not KEY=value.'],
  ])('with a mistake are refused without showing the value: %j', (text, message) => {
    expect(() => parseDotenv(text, '.env')).toThrow(message);
  });

  let folder = '';
  beforeAll(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'hive-dotenv-'));
  });
  afterAll(async () => {
    await rm(folder, { recursive: true });
  });

  it('are provided with later beating earlier, and missed by name', async () => {
    await writeFile(path.join(folder, 'a.env'), 'A=1\nB=1\n');
    await writeFile(path.join(folder, 'b.env'), 'B=2\n');
    const text = withServices({ web: `{${runs}, environment: {dotenv: {files: [a.env, b.env]}}}`, gone: `{${runs}, environment: {dotenv: {files: [gone.env]}}}` });
    const web = serviceOf(text, 'web', { projectRoot: folder });
    expect(await readProviders(web.environment)).toEqual({ service: [{ A: '1', B: '2' }], source: [] });
    await expect(readProviders(serviceOf(text, 'gone', { projectRoot: folder }).environment)).rejects.toMatchObject({ code: 'INVALID_CONFIG', message: `The environment file ${path.join(folder, 'gone.env')} does not exist.` });
  });
});

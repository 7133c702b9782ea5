import { writeFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { loadSource } from '../../shared/config/load-source.js';
import type { SourceSpec } from '../../shared/config/service-spec.js';
import { planChanges, sourceItselfChanged } from '../../daemon/sources/plan-changes.js';
import { by, SourcesHome } from './sources-home.js';

const plain = 'runner: {type: script, script: {run: a}}';

function load(text: string, name = 'shop', projectRoot = '/srv/shop'): SourceSpec {
  const result = loadSource(text, `${projectRoot}/.adi/hive.yaml`, { source: name, projectRoot, env: {}, limitSupport: () => null });
  if (!result.ok) throw new Error(JSON.stringify(result.problems, null, 1));
  return result.spec;
}

const one = (fields: string, top = '') => load(`version: "1"\n${top}services:\n  web: {${fields}}\n  other: {${plain}}\n`);

/** [before, after, action, fields]; both sides besides the runner. */
const ports = 'rollout: {type: recreate, recreate: {ports: {http: 8012}}}';
const check = 'healthcheck: {type: tcp, tcp: {port: http}}';
const costs: [string, string, string, string[]][] = [
  [plain, 'runner: {type: script, script: {run: b}}', 'replace', ['runner']],
  [plain, `${plain}, environment: {static: {A: "1"}}`, 'replace', ['environment']],
  [plain, `${plain}, ${ports}`, 'replace', ['rollout.ports']],
  [plain, `${plain}, build: {command: make}`, 'replace', ['build']],
  [plain, `${plain}, limits: {memory: 1GB}`, 'replace', ['limits']],
  [plain, `${plain}, uses: [{name: db}]`, 'replace', ['uses']],
  [plain, `${plain}, depends_on: [other]`, 'live', ['depends_on']],
  [plain, `${plain}, restart: always`, 'live', ['restart']],
  [plain, `${plain}, hooks: {pre-up: [{run: x}]}`, 'live', ['hooks']],
  [plain, `${plain}, expose: {name: db, vars: {}}`, 'live', ['expose']],
  [plain, `${plain}, instances: 3`, 'live', ['instances']],
  [plain, `${plain}, stop: {grace: 3s}`, 'live', ['stop']],
  [plain, `${plain}, logs: {max_size: 1MB}`, 'live', ['logs']],
  [plain, `${plain}, labels: {team: billing}`, 'none', ['labels']],
  [`${plain}, ${ports}`, `${plain}, ${ports}, ${check}`, 'live', ['healthcheck']],
  [`${plain}, ${ports}`, `${plain}, ${ports}, proxy: {path: /, port: http}`, 'live', ['proxy']],
  [`${plain}, rollout: {type: rolling, rolling: {ports: {http: auto}}}`, `${plain}, rollout: {type: rolling, rolling: {ports: {http: auto}, max_surge: 2}}`, 'none', ['rollout']],
  [plain, `${plain}, stop: {grace: 3s}, build: {command: make}, restart: always`, 'replace', ['build', 'restart', 'stop']],
];

describe('the difference between two readings', () => {
  it.each(costs)('%s → %s costs: %s', (before, after, action, fields) => {
    const [a, b] = [one(before), one(after)];
    for (const [from, to] of [[a, b], [b, a]] as const) {
      const changes = planChanges(from, to);
      expect(changes).toEqual([{ service: 'shop:web', action, fields }]);
      const [old, now] = [from.services[0], to.services[0]];
      expect(old?.instanceHash === now?.instanceHash).toBe(action !== 'replace');
    }
    expect(planChanges(a, one(before))).toEqual([]);
  });

  it('is everything where there was nothing, and the other way round', () => {
    const spec = one(plain);
    expect(planChanges(null, spec).map(({ action }) => action)).toEqual(['add', 'add']);
    expect(planChanges(spec, null).map(({ action }) => action)).toEqual(['remove', 'remove']);
    expect(planChanges(null, null)).toEqual([]);
  });

  it('sees what belongs to the source itself', () => {
    expect(sourceItselfChanged(one(plain), one(`${plain}, restart: always`))).toBe(false);
    expect(sourceItselfChanged(one(plain), one(plain, 'observability: {resource_interval: 9s}\n'))).toBe(true);
    expect(sourceItselfChanged(null, one(plain))).toBe(true);
  });
});

/** Small, fast and repeatable. */
function random(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

/** A hand-written looking file: comments, blank lines, block and flow style, texts over several lines, top-level keys around. */
function generate(next: (below: number) => number): string {
  const pick = (choices: readonly string[]) => choices[next(choices.length)] ?? '';
  const names = ['web', 'db', 'api', 'job-1', 'job_2', 'x'].filter(() => next(4) > 0);
  const service = (name: string) => {
    const others = names.slice(0, names.indexOf(name));
    const fields = [
      pick(['    runner:\n      type: script\n      script:\n        run: |\n          echo one\n\n          services: not a key\n', '    runner: {type: script, script: {run: "a # b"}}\n', '    runner:\n      type: script\n      script: {run: "echo\n        two  lines"}\n', '    runner: {type: script, script: {run: sleep 1 && sleep 2}}\n']),
      pick(['', '    restart: always\n', '    # restart: never\n']),
      pick(['', '    environment: {static: {A: "1"}}\n', '    environment:\n      static:\n        B: x\n']),
      others.length > 0 ? pick(['', '', `    depends_on: [${others[0]}]\n`]) : '',
      pick(['', '    stop: {grace: 3s}\n', '\n']),
      pick(['', '', '    hooks: {pre-up: [{run: x}]}\n', '    hooks:\n      post-down:\n        - {run: y, timeout: 3s}\n']),
      pick(['', '', '    limits: {open_files: 100}\n', '    limits: {open_files: 200}\n']),
      pick(['', '', '    rollout: {type: recreate, recreate: {ports: {http: auto}}}\n', '    rollout: {type: rolling, rolling: {ports: {http: auto}, max_surge: 2}}\n']),
      pick(['', '', '    healthcheck: {type: cmd, cmd: {command: x}}\n']),
      pick(['', '', '    instances: 2\n', '    scale: {min: 1, max: 3}\n']),
      pick(['', '', '    logs: {max_size: 1MB}\n', '    labels: {team: billing}\n']),
    ];
    return `  ${name}:${pick(['', ' # a comment'])}\n${fields.join('')}${pick(['', '', '  # between\n', '\n'])}`;
  };
  const head = pick(['version: "1"\n', '# Mine\nversion: "1"\n\n', 'version: "1"\nenvironment: {static: {ALL: "1"}}\n']);
  const tail = pick(['', '', 'observability: {resource_interval: 9s}\n', '# the end\n']);
  const text = names.length === 0 ? `${head}services: {}\n${tail}` : `${head}services:\n${names.map(service).join('')}${tail}`;
  return next(8) === 0 ? text.trimEnd() : text;
}

describe('over generated changes', () => {
  let home: SourcesHome;
  beforeAll(async () => {
    home = await SourcesHome.make();
    await home.sources.load();
  });
  afterAll(async () => home.destroy());

  it('a plan says what the reload then does, and a reload ends where a fresh reading would', async () => {
    const next = random(20_260_101);
    const path = await home.project('shop', generate(next));
    await home.sources.add({ path }, by);
    // A disabled source is reloaded when it is asked to be, and not by the watch in between.
    await home.sources.disable('shop', by);
    let before = load(generate(random(20_260_101)), 'shop', path);
    let differences = 0;
    for (let round = 0; round < 300; round += 1) {
      const text = generate(next);
      await writeFile(home.file('shop'), text);
      const plan = await home.sources.plan('shop');
      expect(await home.sources.plan('shop')).toEqual(plan);
      const { changes } = await home.sources.reload('shop', by);
      const fresh = load(text, 'shop', path);
      expect(plan).toEqual({ changes, problems: [] });
      expect(changes).toEqual(planChanges(before, fresh));
      before = fresh;
      differences += changes.length;
    }
    expect(differences).toBeGreaterThan(300);
    const fresh = load(generate(random(1)), 'shop', path);
    await writeFile(home.file('shop'), generate(random(1)));
    await home.sources.enable('shop', by);
    expect(home.supervisor.applied('shop').at(-1)?.spec).toEqual(fresh);
  });
});

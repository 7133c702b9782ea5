import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { execFileSync } from 'node:child_process';
import { chmodSync, chownSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { discover } from '../../plugin-host/discover.js';

let root: string;
let pluginsFolder: string;
let shippedFolder: string;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'hive-discover-'));
  pluginsFolder = join(root, 'plugins');
  shippedFolder = join(root, 'shipped');
  mkdirSync(pluginsFolder, { mode: 0o700 });
  mkdirSync(shippedFolder, { mode: 0o700 });
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const look = () => discover({ shippedFolder, pluginsFolder });
const file = (name: string, mode = 0o700, content = '#!/bin/sh\n'): string => {
  const path = join(pluginsFolder, name);
  writeFileSync(path, content);
  chmodSync(path, mode);
  return path;
};
const folder = (name: string, files: Record<string, unknown>, below = pluginsFolder): string => {
  const path = join(below, name);
  mkdirSync(path, { mode: 0o700 });
  for (const [entry, content] of Object.entries(files)) {
    writeFileSync(join(path, entry), typeof content === 'string' ? content : JSON.stringify(content));
    chmodSync(join(path, entry), entry.endsWith('.sh') ? 0o700 : 0o600);
  }
  return path;
};
const isRoot = process.getuid?.() === 0;

describe('discovery', () => {
  it('takes an executable file for a plugin named after it, with the grants to look and listen', () => {
    const path = file('my-plugin.py');
    expect(look()).toEqual({
      skipped: [],
      found: [{
        changedAt: expect.any(Number) as unknown as number,
        fingerprint: expect.any(String) as unknown as string,
        manifest: {
          id: 'my-plugin', kind: 'external', command: [path], workingDirectory: null, grants: ['read', 'events:read'],
          activation: { kind: 'always' }, connect: 'descriptor', environment: [], settingsFromEnvironment: {}, memoryLimit: 512 * 2 ** 20,
        },
      }],
    });
  });

  it('never executes what it looks at', () => {
    file('curious', 0o700, `#!/bin/sh\ntouch ${join(root, 'was-executed')}\n`);
    look();
    expect(() => execFileSync('ls', [join(root, 'was-executed')], { stdio: 'ignore' })).toThrow();
  });

  it('reads a folder with a manifest', () => {
    const path = folder('backup', { 'run.sh': '#!/bin/sh\n', 'hive-plugin.json': {
      id: 'backup-tool', command: ['./run.sh', '--fast'], grants: ['read', 'services:control:default:*'], activation: { setting: ['dir'] },
      connect: 'token', environment: ['AWS_*'], settingsFromEnvironment: { dir: 'BACKUP_DIR', keep: ['KEEP', 'BACKUP_KEEP'] }, memoryLimit: '64MB', description: 'Backs up', version: '1.2.3',
    } });
    expect(look().found.map(({ manifest }) => manifest)).toEqual([{
      id: 'backup-tool', kind: 'external', command: [join(path, 'run.sh'), '--fast'], workingDirectory: path, grants: ['read', 'services:control:default:*'],
      activation: { kind: 'setting', anyOf: ['dir'] }, connect: 'token', environment: ['AWS_*'], settingsFromEnvironment: { dir: ['BACKUP_DIR'], keep: ['KEEP', 'BACKUP_KEEP'] }, memoryLimit: 64 * 2 ** 20,
    }]);
  });

  it('reads the "hive" key of a package.json; the node it names is the one that runs Hive', () => {
    folder('npm-plugin', { 'package.json': { name: '@acme/scaler', main: 'index.js', hive: { activation: { serviceHas: 'scale' } } }, 'index.js': '' });
    expect(look().found[0]?.manifest).toMatchObject({ id: 'scaler', command: [process.execPath, 'index.js'], activation: { kind: 'serviceHas', feature: 'scale' } });
  });

  it('leaves programs outside of the folder to PATH', () => {
    folder('snake', { 'hive-plugin.json': { command: ['python3', 'main.py'] }, 'main.py': '' });
    expect(look().found[0]?.manifest.command).toEqual(['python3', 'main.py']);
  });

  it.each<[string, () => unknown, RegExp]>([
    ['a file without its run bit', () => file('notes', 0o600), /has no run bit/],
    ['a dotfile', () => file('.hidden'), /begins with a dot/],
    ['a name that is no id', () => file('Bad_Name'), /plugin id "Bad_Name" starts with the capital letter "B"/],
    ['an editor\'s backup', () => file('plugin~'), /contains "~"/],
    ['a file that the group can write', () => file('shared', 0o770), /Others may write it \(mode 0770\)/],
    ['a file that everybody can write', () => file('open', 0o707), /Others may write it/],
    ['a link out of the folder', () => symlinkSync('/bin/true', join(pluginsFolder, 'link')), /symbolic link out of the plugins folder/],
    ['a link to nowhere', () => symlinkSync(join(pluginsFolder, 'gone'), join(pluginsFolder, 'link')), /leads nowhere/],
    ['a link in a circle', () => symlinkSync('link', join(pluginsFolder, 'link')), /leads nowhere/],
    ['a named pipe', () => execFileSync('mkfifo', ['-m', '700', join(pluginsFolder, 'pipe')]), /neither a file nor a folder/],
    ['an empty folder', () => folder('empty', {}), /neither a hive-plugin.json nor a package.json/],
    ['a package of something else', () => folder('left-pad', { 'package.json': { name: 'left-pad' } }), /no "hive" key/],
    ['a manifest that is no JSON', () => folder('torn', { 'hive-plugin.json': '{"command": [' }), /hive-plugin.json is not JSON/],
    ['a manifest that is a list', () => folder('list', { 'hive-plugin.json': [] }), /not a JSON object/],
    ['a manifest that others can write', () => chmodSync(join(folder('loose', { 'hive-plugin.json': { command: 'true' } }), 'hive-plugin.json'), 0o666), /hive-plugin.json: Others may write it/],
    ['a manifest behind a link', () => symlinkSync('/etc/hostname', join(folder('linked', {}), 'hive-plugin.json')), /symbolic link out/],
    ['a huge manifest', () => truncateSync(join(folder('huge', { 'hive-plugin.json': '' }), 'hive-plugin.json'), 1e9), /larger than 64 KB/],
    ['no command', () => folder('idle', { 'hive-plugin.json': {} }), /names no command/],
    ['an empty command', () => folder('void', { 'hive-plugin.json': { command: [] } }), /command of the manifest is empty/],
    ['a command that is not there', () => folder('lost', { 'hive-plugin.json': { command: './run' } }), /\.\/run does not exist/],
    ['a command without its run bit', () => folder('limp', { 'hive-plugin.json': { command: './run' }, run: '' }), /\.\/run has no run bit/],
    ['a command out of the folder', () => folder('escape', { 'hive-plugin.json': { command: '../../../bin/sh' } }), /leads out of the folder/],
    ['a misspelt field', () => folder('typo', { 'hive-plugin.json': { comand: 'x' } }), /a field "comand" that no plugin has; known are id, name/],
    ['an id that is a path', () => folder('sly', { 'hive-plugin.json': { id: '../../etc', command: 'true' } }), /plugin id "..\/..\/etc" starts with a dot/],
    ['an unknown activation', () => folder('moody', { 'hive-plugin.json': { command: 'true', activation: 'sometimes' } }), /none of "always"/],
    ['an unknown way to connect', () => folder('odd', { 'hive-plugin.json': { command: 'true', connect: 'tcp' } }), /"descriptor" or "token"/],
    ['grants that are no list', () => folder('greedy', { 'hive-plugin.json': { command: 'true', grants: '*' } }), /grants of the manifest are not a list/],
    ['a limit without a unit', () => folder('vague', { 'hive-plugin.json': { command: 'true', memoryLimit: '64' } }), /has no unit/],
  ])('skips %s, says why, and takes the rest', (_, make, reason) => {
    file('healthy');
    make();
    const { found, skipped } = look();
    expect(found.map(({ manifest }) => manifest.id)).toEqual(['healthy']);
    expect(skipped).toHaveLength(1);
    expect(skipped[0]?.reason).toMatch(reason);
  });

  (isRoot ? it : it.skip)('skips what belongs to somebody else', () => {
    chownSync(file('foreign'), 65534, 65534);
    expect(look()).toEqual({ found: [], skipped: [{ entry: 'foreign', reason: 'It belongs to user 65534, not to the user 0 that the daemon runs as.' }] });
  });

  it('runs nothing in a folder that others can write', () => {
    file('fine');
    chmodSync(pluginsFolder, 0o777);
    expect(look()).toMatchObject({ found: [], skipped: [{ entry: pluginsFolder, reason: expect.stringMatching(/Nothing in it is run. Others may write it/) as unknown as string }] });
  });

  it('follows links within the folder', () => {
    const real = file('tool');
    symlinkSync(real, join(pluginsFolder, 'another-name'));
    expect(look().found.map(({ manifest }) => manifest.id)).toEqual(['another-name', 'tool']);
  });

  it('lets a shipped plugin win over one of the same id, and the first of two others', () => {
    folder('crash-notifier', { 'hive-plugin.json': { command: ['node', '../../x.js'] } }, shippedFolder);
    file('crash-notifier');
    file('twin.py');
    file('twin.sh');
    const { found, skipped } = look();
    expect(found.map(({ manifest }) => [manifest.id, manifest.kind])).toEqual([['crash-notifier', 'core'], ['twin', 'external']]);
    expect(skipped).toEqual([
      { entry: 'crash-notifier', reason: 'A plugin that ships with Hive has the id "crash-notifier" already.' },
      { entry: 'twin.sh', reason: expect.stringMatching(/^Another entry \(.*twin.py\) has the id "twin" already.$/) as unknown as string },
    ]);
  });

  it('finds nothing where there is no folder', () => {
    rmSync(pluginsFolder, { recursive: true });
    expect(look()).toEqual({ found: [], skipped: [] });
  });

  it('gives another fingerprint to another content', () => {
    const path = file('tool');
    const before = look().found[0]?.fingerprint;
    expect(look().found[0]?.fingerprint).toBe(before);
    writeFileSync(path, '#!/bin/sh\necho longer\n');
    expect(look().found[0]?.fingerprint).not.toBe(before);
  });
});

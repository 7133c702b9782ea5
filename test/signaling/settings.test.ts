import { describe, expect, it } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { readSettings } from '../../plugins/signaling-control/settings.js';
import { packageRoot } from '../../shared/package-root.js';

const least = { url: 'wss://signaling.example/hive', secret: 'planted' };

describe('the settings', () => {
  it('have defaults', () => {
    const settings = readSettings(least);
    expect(settings).toMatchObject({ server: { hiveId: hostname(), secret: 'planted', dialect: 'hive', ca: null }, maxCocoons: 50, startTimeoutMs: 300_000 });
    expect([...settings.kinds.values()]).toEqual([{ id: 'default', runner: 'docker', image: 'git.the-ihor.com/adi/cocoon:latest', scriptPath: null, composeFile: null, composeService: 'cocoon', service: {} }]);
    expect(readSettings({}).server).toBeNull();
  });

  it('mean the same in hive.yaml and in variables, which are texts', () => {
    const written = readSettings({ ...least, runner: 'script', script_path: '/bin/worker', kinds: { a: 'one', b: { image: 'two' } }, max_cocoons: 7, start_timeout: '10s' });
    const variables = readSettings({ ...least, runner: 'script', script_path: '/bin/worker', kinds: 'a=one, b=two', max_cocoons: '7', start_timeout: '10s' });
    expect(written).toEqual(variables);
    expect([...written.kinds.values()].map(({ id, image, scriptPath }) => [id, image, scriptPath])).toEqual([['a', 'one', '/bin/worker'], ['b', 'two', '/bin/worker']]);
  });

  it('of a kind beat those of all', () => {
    const { kinds } = readSettings({ ...least, runner: 'script', script_path: '/bin/worker', registry: 'r.example', kinds: { a: { runner: 'podman' }, b: { script_path: '/bin/other' }, c: null } });
    expect(kinds.get('a')).toMatchObject({ runner: 'podman', image: 'r.example/cocoon:latest' });
    expect(kinds.get('b')).toMatchObject({ runner: 'script', scriptPath: '/bin/other' });
    expect(kinds.get('c')).toMatchObject({ runner: 'script', scriptPath: '/bin/worker' });
  });

  it.each<[Record<string, unknown>, RegExp]>([
    [{ urll: 'x' }, /\.urll is not a setting; do you mean url\?/],
    [{ url: 'https://x' }, /\.url is not a URL that begins with wss/],
    [{ url: 'wss://x/#y' }, /\.url has a part after #/],
    [{ secret: undefined }, /\.secret is missing/],
    [{ secret: 7 }, /\.secret is no text/],
    [{ hive_id: '' }, /\.hive_id is no text/],
    [{ dialect: 'old' }, /\.dialect is none of hive and legacy/],
    [{ ca: 'ca.pem' }, /\.ca is not the absolute path/],
    [{ runner: 'lxc' }, /\.runner is none of docker, podman, script, compose, swarm/],
    [{ runner: 'script' }, /\.script_path is missing/],
    [{ runner: 'script', script_path: 'worker' }, /\.script_path is not an absolute path/],
    [{ max_cocoons: -1 }, /\.max_cocoons is not a whole number/],
    [{ max_cocoons: 'many' }, /\.max_cocoons is not a whole number/],
    [{ start_timeout: 30 }, /\.start_timeout is not a duration/],
    [{ kinds: 'default' }, /\.kinds is a text that is not made of id=image/],
    [{ kinds: 7 }, /\.kinds is neither a mapping/],
    [{ kinds: {} }, /\.kinds is empty/],
    [{ kinds: 'a=x,a=y' }, /\.kinds\.a is there twice/],
    [{ kinds: { 'a b': 'x' } }, /\.kinds has a kind whose id/],
    [{ kinds: { a: 7 } }, /\.kinds\.a is neither an image nor a mapping/],
    [{ kinds: { a: { imagee: 'x' } } }, /\.kinds\.a\.imagee is not part of a kind; do you mean image\?/],
    [{ kinds: { a: { runner: 'lxc' } } }, /\.kinds\.a\.runner is none of/],
    [{ kinds: { a: { service: 'x' } } }, /\.kinds\.a\.service is not a mapping/],
  ])('%j is refused, by name', (wrong, said) => {
    const refusal = (() => {
      try {
        readSettings({ ...least, ...wrong });
        return null;
      } catch (error) {
        return error;
      }
    })();
    expect(refusal).toMatchObject({ code: 'INVALID_CONFIG', message: expect.stringMatching(said) as unknown });
    expect(JSON.stringify(refusal)).not.toContain('planted');
  });

  it('can each come from a variable, and docs/signaling.md names all of them', () => {
    const manifest = JSON.parse(readFileSync(join(packageRoot(), 'plugins/signaling-control/hive-plugin.json'), 'utf8')) as { settingsFromEnvironment: Record<string, string[]> };
    const page = readFileSync(join(packageRoot(), 'docs/signaling.md'), 'utf8');
    for (const [setting, variables] of Object.entries(manifest.settingsFromEnvironment)) {
      expect(() => readSettings({ [setting]: '' })).not.toThrow(/is not a setting/);
      for (const name of [setting, ...variables]) expect(page).toContain(`\`${name}\``);
    }
    const all = Object.keys(manifest.settingsFromEnvironment);
    // The other way round: a misspelt setting is told all there are.
    expect(() => readSettings({ zzzzzzzzzz: 1 })).toThrow(`there are ${all.join(', ')}`);
  });
});

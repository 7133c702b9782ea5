import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { until } from '../support/until.js';
import { Sandbox } from './sandbox.js';

let sandbox: Sandbox;
beforeEach(() => { sandbox = new Sandbox(); });
afterEach(() => sandbox.end());

const services = `
services:
  web:
    runner: {type: script, script: {run: exec sleep 1000}}
    scale: {min: 1, max: 3}
`;
const withSettings = (settings: string): string => `version: "1"\nplugins: {autoscaler: ${settings}}\n${services}`;

describe('hivectl and the autoscaler', () => {
  it('why tells what is made of a service, scale tells who has the last word, and doctor when nothing scales', async () => {
    const { root, home } = sandbox;
    const run = (line: string) => sandbox.run(root, line);
    mkdirSync(home, { mode: 0o700 });
    const file = join(home, 'hive.yaml');
    writeFileSync(file, withSettings('{check_interval: 500ms, window: 2s}'));
    expect((await run('daemon start')).code).toBe(0);
    const says = (line: string, text: string | RegExp) => until(async () => {
      const { out } = await run(line);
      return (typeof text === 'string' ? out.includes(text) : text.test(out)) ? out : undefined;
    }, `${line} to say ${String(text)}`);

    await says('why web', /\n\nScaling, 1 to 3: It stays at 1 instance: CPU is at 0% of a core an instance \(20% to 80%\), and min is 1\.\n$/);
    expect((await run('doctor')).out).not.toContain('Nothing scales');
    expect(await run('scale web 2')).toMatchObject({ code: 0, err: expect.stringContaining('The autoscaler leaves default:web alone from now on, until: hivectl plugin call autoscaler resume default:web') });
    await says('why web', 'Scaling, 1 to 3: Paused: the operator chose 2 instances. It would stay at 2 instances: ');
    expect((await run('plugin call autoscaler resume web')).out).toContain('"mode": "active"');

    writeFileSync(file, withSettings('{check_interval: soon}'));
    await says('doctor', 'Source default cannot be loaded: plugins.autoscaler.check_interval is not a duration');
    expect((await run(`config validate ${file}`)).out).toContain('check_interval');
    expect((await run('why web')).out).toContain('Scaling, 1 to 3: It stays at 2 instances: ');
    writeFileSync(file, withSettings('{}'));
    await run('plugin disable autoscaler');
    await says('doctor', 'Nothing scales default:web: the autoscaler is disabled: It was disabled by hand');
    expect((await run('why web')).out).toContain('Scaling, 1 to 3: Nothing scales default:web: the autoscaler is disabled: ');
  });
});

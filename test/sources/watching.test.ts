import { closeSync, ftruncateSync, openSync, renameSync, writeFileSync, writeSync } from 'node:fs';
import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { by, SourcesHome, until, yaml } from './sources-home.js';

let home: SourcesHome;
beforeEach(async () => {
  home = await SourcesHome.make();
  await home.sources.load();
  await home.sources.add({ path: await home.project('shop', yaml({ web: 'sleep 1' })) }, by);
});
afterEach(async () => home.destroy());

const runs = () => home.supervisor.runs('shop').join();

describe('a file that is edited', () => {
  it('is taken up when it is written in place and when it is replaced', async () => {
    const started = performance.now();
    await writeFile(home.file('shop'), yaml({ web: 'sleep 2' }));
    await until(() => runs() === 'web=sleep 2', 'a file written in place');
    expect(performance.now() - started).toBeLessThan(1000);
    for (const seconds of [3, 4]) {
      await writeFile(`${home.file('shop')}.swp`, yaml({ web: `sleep ${seconds}` }));
      await rename(`${home.file('shop')}.swp`, home.file('shop'));
      await until(() => runs() === `web=sleep ${seconds}`, 'a replaced file');
    }
    expect(home.events().at(-1)).toMatchObject({ type: 'service.updated' });
    expect(home.events().at(-2)).toMatchObject({ type: 'source.changed', cause: { by: `a change of ${home.file('shop')}` } });
  });

  it('is taken up when its whole folder is replaced', async () => {
    const folder = join(home.folder, 'shop', '.adi');
    await rename(folder, `${folder}.old`);
    await mkdir(folder);
    await writeFile(home.file('shop'), yaml({ web: 'sleep 5' }));
    await until(() => runs() === 'web=sleep 5', 'the new folder is noticed');
    await writeFile(home.file('shop'), yaml({ web: 'sleep 6' }));
    await until(() => runs() === 'web=sleep 6', 'the new folder is watched');
  });

  it('disturbs nothing while it is bad: empty, cut off, gone; and is an error only until it is good', async () => {
    for (const bad of ['', 'version: "1"\nservices:\n  web: {runner: {type: scr', '\0\0\0', 'version: "1"']) {
      await writeFile(home.file('shop'), bad);
      await until(() => home.sources.get('shop').status === 'error', 'the bad file is shown');
    }
    await rm(home.file('shop'));
    await until(() => home.sources.get('shop').problems[0]?.message.includes('is gone') === true, 'the missing file is shown');
    expect(home.supervisor.applied('shop')).toHaveLength(1);
    expect(home.sources.specOf('shop:web')).not.toBeNull();
    await writeFile(home.file('shop'), yaml({ web: 'sleep 7' }));
    await until(() => runs() === 'web=sleep 7', 'the good file');
    expect(home.sources.get('shop')).toMatchObject({ status: 'loaded', problems: [] });
  });

  it('never goes live half written', async () => {
    const text = yaml({ web: 'sleep 8', second: 'sleep 9' });
    const file = openSync(home.file('shop'), 'r+');
    ftruncateSync(file, 0);
    // Cut after the first service this would be a good file that has lost its second one.
    const cut = text.indexOf('  second');
    writeSync(file, text.slice(0, cut));
    await new Promise((resolve) => setImmediate(resolve));
    writeSync(file, text.slice(cut));
    closeSync(file);
    await until(() => runs() === 'web=sleep 8,second=sleep 9', 'the whole file');
    expect(home.supervisor.applied('shop')).toHaveLength(2);
  });

  it('that is written slowly loses no service meanwhile, and loses it when that was meant', async () => {
    const text = yaml({ web: 'sleep 1', second: 'sleep 9' });
    await writeFile(home.file('shop'), text);
    await until(() => runs() === 'web=sleep 1,second=sleep 9', 'both');
    const cut = text.slice(0, text.indexOf('  second'));
    await writeFile(home.file('shop'), cut);
    const deadline = performance.now() + 1000;
    await until(() => performance.now() > deadline || runs() !== 'web=sleep 1,second=sleep 9', 'a second passes');
    await writeFile(home.file('shop'), text.replace('sleep 9', 'sleep 10'));
    await until(() => runs() === 'web=sleep 1,second=sleep 10', 'the rest');
    expect(home.supervisor.applied('shop').flatMap(({ changes }) => changes?.map(({ action }) => action) ?? [])).not.toContain('remove');
    await writeFile(home.file('shop'), cut);
    await until(() => runs() === 'web=sleep 1', 'the service is taken away');
  });

  it('may be saved 1,000 times a second: few readings, little CPU, and the last content is live', async () => {
    const before = process.cpuUsage();
    const writersCpu = { user: 0, system: 0 };
    const started = performance.now();
    let saves = 0;
    while (saves < 3000) {
      const own = process.cpuUsage();
      const due = Math.min(saves + 50, 3000, Math.floor(performance.now() - started));
      for (; saves < due; saves += 1) save(saves);
      const spent = process.cpuUsage(own);
      writersCpu.user += spent.user;
      writersCpu.system += spent.system;
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
    save(-1);
    await until(() => runs() === 'web=sleep -1', 'the last content');
    const used = process.cpuUsage(before);
    const cpuMs = (used.user + used.system - writersCpu.user - writersCpu.system) / 1000;
    const share = cpuMs / (performance.now() - started);
    process.stdout.write(`3,000 saves in ${((performance.now() - started) / 1000).toFixed(1)} s: ${home.supervisor.applied('shop').length} readings went live, ${(share * 100).toFixed(1)} % of a core\n`);
    expect(home.supervisor.applied('shop').length).toBeLessThan(saves / 50);
    expect(share).toBeLessThan(0.25);
    expect(home.sources.get('shop')).toMatchObject({ status: 'loaded', problems: [] });
  });
});

function save(number: number): void {
  const text = yaml({ web: `sleep ${number}` });
  // Three ways in which programs save.
  if (number % 3 === 0) {
    writeFileSync(`${home.file('shop')}.tmp`, text);
    renameSync(`${home.file('shop')}.tmp`, home.file('shop'));
  } else writeFileSync(home.file('shop'), number % 3 === 1 ? text.slice(0, 40) : text);
}

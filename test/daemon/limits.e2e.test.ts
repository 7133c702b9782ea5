import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { limitFiles } from '../../daemon/runner/script/instance-cgroups.js';
import { cgroupPlace, type CgroupController, type CgroupFacts } from '../../shared/process/cgroups.js';
import { mostOpenFiles } from '../../shared/process/open-file-limit.js';
import { eventsOf, journalOf } from '../support/journal.js';
import { TestHive } from '../support/test-hive.js';
import { until } from '../support/until.js';

let hive: TestHive;
beforeEach(async () => {
  hive = await TestHive.started();
});
afterEach(() => hive.end());

const yaml = (run: string, limits: string, more = ''): string => `version: "1"\nservices:\n  web:\n    runner: {type: script, script: {run: ${JSON.stringify(run)}}}\n    limits: ${limits}\n    ${more}\n`;

async function start(run: string, limits: string, more = ''): Promise<string> {
  const folder = await hive.addSource('shop', yaml(run, limits, more));
  await hive.client.startService({ fqn: 'shop:web' });
  return folder;
}

/** The folder of the cgroup of a process, by controller, once it has entered one of its own. */
function enteredCgroup(pid: number, controller: CgroupController): Promise<string> {
  return until(() => {
    const place = cgroupPlace(controller, { cgroup: readFileSync(`/proc/${pid}/cgroup`, 'utf8'), mountinfo: readFileSync('/proc/self/mountinfo', 'utf8') });
    return place.kind === 'usable' && /\/hive-[^/]+$/.test(place.folder) ? place.folder : undefined;
  }, 'the service to have entered its cgroup');
}

describe('limits of a script', () => {
  it('on open files hold for the service', async () => {
    const folder = await start('ulimit -n > found; exec sleep 1000', '{open_files: 321}');
    await until(() => (existsSync(join(folder, 'found')) && readFileSync(join(folder, 'found'), 'utf8') !== '') || undefined, 'the service to look');
    expect(readFileSync(join(folder, 'found'), 'utf8')).toBe('321\n');
  });

  it('that nobody could enforce are refused when the file is loaded, with the reason', async () => {
    const { most, why } = mostOpenFiles();
    const folder = hive.writeSource('shop', yaml('exec sleep 1000', `{open_files: ${most + 1}}`));
    await hive.client.addSource({ path: folder, name: 'shop' }).catch(() => undefined);
    const { problems } = await hive.client.validateConfig({ path: folder });
    expect(problems).toMatchObject([{ code: 'NOT_SUPPORTED', line: 5, path: 'services.web.limits.open_files', message: `limits.open_files of service web cannot be enforced here, because ${why} allows ${most}.` }]);
  });

  // Where no cgroup is delegated there is nothing to enforce them by, and they have to be refused.
  for (const [limit, controller] of [['memory: 64MB', 'memory'], ['cpu: 0.2', 'cpu']] as const) {
    const place = cgroupPlace(controller);
    if (place.kind === 'usable') continue;
    it(`on ${controller} are refused on this machine, because ${place.why}`, async () => {
      const folder = hive.writeSource('shop', yaml('exec sleep 1000', `{${limit}}`));
      expect((await hive.client.validateConfig({ path: folder })).problems).toMatchObject([{ code: 'NOT_SUPPORTED', message: expect.stringContaining(place.why) }]);
    });
  }

  const enforceable = cgroupPlace('memory').kind === 'usable' && cgroupPlace('cpu').kind === 'usable';
  const itWithCgroups = enforceable ? it : it.skip;

  itWithCgroups('on memory end what uses more, and say so', async () => {
    await start(`exec node -e "const a=[];setInterval(()=>a.push(Buffer.alloc(8<<20,1)),5)"`, '{memory: 96MB}', 'restart: never');
    const failed = await hive.serviceWhen('shop:web', ({ state }) => state === 'failed');
    expect(failed.reason).toBe('it was killed by SIGKILL; its restart policy is never; The kernel killed a process of it: it used more than its limits.memory of 96 MB.');
  });

  itWithCgroups('on cpu hold for everything that the service starts', async () => {
    await start('for i in 1 2 3; do sh -c "while :; do :; done" & done; wait', '{cpu: 0.2}');
    const pid = (await hive.client.waitForService({ fqn: 'shop:web', for: 'running' })).instances[0]?.pid ?? 0;
    const stat = join(await enteredCgroup(pid, 'cpu'), 'cpu.stat');
    await until(() => (Number(/^nr_throttled (\d+)$/m.exec(readFileSync(stat, 'utf8'))?.[1]) > 2 ? true : undefined), 'the kernel to hold it back');
  });

  itWithCgroups('need cgroups that go with the service, strays and all', async () => {
    // It forgets its marker and leaves its session and its parent: only the cgroup still knows whose it is.
    const stray = 'env -i setsid -f sleep 98765';
    await start(`${stray}; exec sleep 1000`, '{memory: 1GB, cpu: 1}');
    const { instances } = await hive.client.waitForService({ fqn: 'shop:web', for: 'running' });
    const folders = await Promise.all((['memory', 'cpu'] as const).map((controller) => enteredCgroup(instances[0]?.pid ?? 0, controller)));
    expect(folders.every((folder) => existsSync(folder))).toBe(true);
    await until(() => (readFileSync(join(folders[0] ?? '', 'cgroup.procs'), 'utf8').trim().split('\n').length === 2 ? true : undefined), 'the stray to be there');
    await hive.restartAfterKill();
    await hive.client.waitForService({ fqn: 'shop:web', for: 'running' });
    await hive.client.stopService({ fqn: 'shop:web' });
    await hive.client.waitForService({ fqn: 'shop:web', for: 'stopped' });
    expect(() => execFileSync('pgrep', ['-f', 'sleep 98765'])).toThrow();
    await until(() => (folders.every((folder) => !existsSync(folder)) ? true : undefined), 'the cgroups to be gone');
    expect(eventsOf(await journalOf(hive.client), 'service.failed')).toEqual([]);
  });
});

describe('the cgroup that limits are set in', () => {
  const mounts = (...lines: string[]): string => lines.map((line) => `30 20 0:30 ${line}\n`).join('');

  it('is found in either version, and in a container whose mount begins at its own', () => {
    const hybrid: CgroupFacts = {
      cgroup: '4:memory:/no/such-place\n1:cpu,cpuacct:/no/such-place\n0::/\n',
      mountinfo: mounts('/ /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory', '/ /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct'),
    };
    expect(cgroupPlace('memory', hybrid)).toMatchObject({ why: expect.stringContaining('its cgroup /sys/fs/cgroup/memory/no/such-place is not delegated') });
    expect(cgroupPlace('cpu', hybrid)).toMatchObject({ why: expect.stringContaining('/sys/fs/cgroup/cpu,cpuacct/no/such-place') });
    const unified: CgroupFacts = { cgroup: '0::/user.slice/hived.service/hive-daemon\n', mountinfo: mounts('/ /sys/fs/cgroup\\040here rw - cgroup2 cgroup2 rw') };
    expect(cgroupPlace('memory', unified)).toMatchObject({ why: expect.stringContaining('/sys/fs/cgroup here/user.slice/hived.service has no memory controller') });
    const inContainer: CgroupFacts = { cgroup: '4:memory:/docker/abc/below\n', mountinfo: mounts('/docker/abc /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory') };
    expect(cgroupPlace('memory', inContainer)).toMatchObject({ why: expect.stringContaining('its cgroup /sys/fs/cgroup/memory/below ') });
    expect(cgroupPlace('memory', { cgroup: '', mountinfo: '' })).toEqual({ kind: 'none', why: 'this machine shows Hive no cgroups' });
  });

  it('gets what the kernel of its version wants to read', () => {
    expect(limitFiles(1, 'memory', 1024)).toEqual([['memory.limit_in_bytes', '1024'], ['memory.memsw.limit_in_bytes?', '1024']]);
    expect(limitFiles(2, 'memory', 1024)).toEqual([['memory.max', '1024'], ['memory.swap.max?', '0']]);
    expect(limitFiles(1, 'cpu', 1.5)).toEqual([['cpu.cfs_period_us', '100000'], ['cpu.cfs_quota_us', '150000']]);
    expect(limitFiles(2, 'cpu', 0.001)).toEqual([['cpu.max', '1000 100000']]);
  });
});

import { afterEach, describe, expect, it } from '@jest/globals';
import { freePort } from '../support/free-port.js';
import { StackUnderLoad } from '../support/stack-under-load.js';
import { until } from '../support/until.js';

let stack: StackUnderLoad;
afterEach(() => stack.hive.end());

describe('the proxy under load', () => {
  it('takes other settings and addresses, and is started anew, without one failed request', async () => {
    stack = await StackUnderLoad.started({ strategy: 'rolling' });
    const load = stack.load();
    const first = await stack.proxyPlugin();
    stack.setFrontDoor([stack.port], { workers: 2, drain: '20s' });
    await until(() => (stack.workers().length >= 2 ? true : undefined), 'two workers');
    expect(await stack.proxyPlugin()).not.toBe(first);
    const second = await freePort();
    stack.setFrontDoor([stack.port, second], { workers: 2, drain: '20s' });
    await until(async () => ((await stack.hive.client.status()).proxy.length === 2 ? true : undefined), 'the second address');
    expect(await (await fetch(`http://127.0.0.1:${second}/`)).text()).toBe('v0');
    const before = stack.workers();
    await stack.hive.client.restartPlugin({ plugin: 'proxy' });
    await stack.proxyPlugin();
    await stack.deploy();
    // It has taken over the processes that serve.
    expect(before).toEqual(expect.arrayContaining(stack.workers()));
    const { failures, done } = await load.stop();
    expect(failures).toEqual([]);
    expect(done.connection).toBeGreaterThan(10);
  });
});

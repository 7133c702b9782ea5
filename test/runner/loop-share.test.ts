import { describe, expect, it } from '@jest/globals';
import { loopShare } from '../../daemon/runner/script/loop-share.js';

const busyFor = (ms: number): void => {
  for (const started = performance.now(); performance.now() - started < ms; );
};

describe('sharing the event loop', () => {
  it('does not keep a single piece waiting', async () => {
    let turned = false;
    setImmediate(() => (turned = true));
    await loopShare();
    expect(turned).toBe(false);
  });

  it('lets others in between hundreds of pieces that become due at once, and keeps their order', async () => {
    let turns = 0;
    let running = true;
    const count = (): void => {
      turns += 1;
      if (running) setImmediate(count);
    };
    setImmediate(count);
    const order: number[] = [];
    await Promise.all(
      Array.from({ length: 300 }, async (_, index) => {
        await loopShare();
        busyFor(0.2);
        order.push(index);
      }),
    );
    running = false;
    // 300 pieces, 32 a turn; the first and the last turn may go uncounted.
    expect(turns).toBeGreaterThanOrEqual(8);
    expect(order).toEqual(Array.from({ length: 300 }, (_, index) => index));
  });
});

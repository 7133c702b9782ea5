const shareMs = 4;

let turnBegan: number | null = null;
let nextTurn: Promise<void> | null = null;

/**
 * To be awaited before a piece of synchronous work of which hundreds may be due at once (a launch, a stop): when such
 * work has had 4 ms of this turn of the event loop, the rest waits for the next, and requests are answered in between.
 * Does not wait at all while there is little to do.
 */
export async function loopShare(): Promise<void> {
  for (;;) {
    turnBegan ??= performance.now();
    nextTurn ??= new Promise((resolve) => {
      setImmediate(() => {
        turnBegan = null;
        nextTurn = null;
        resolve();
      });
    });
    if (performance.now() - turnBegan < shareMs) return;
    await nextTurn;
  }
}

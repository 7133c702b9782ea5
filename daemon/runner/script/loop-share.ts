const piecesPerTurn = 32;
const shareMs = 4;

interface Turn {
  readonly began: number;
  readonly next: Promise<void>;
  pieces: number;
}

let turn: Turn | null = null;

/**
 * To be awaited before a piece of synchronous work of about 0.1 ms of which hundreds may be due at once (a launch, a
 * stop): so many are let through in one turn of the event loop, the rest waits for the next, and requests are answered
 * in between. Does not wait at all while there is little to do. They are counted besides timed, because hundreds can be
 * let through before the first of them has done anything.
 */
export async function loopShare(): Promise<void> {
  for (;;) {
    turn ??= newTurn();
    if (turn.pieces < piecesPerTurn && performance.now() - turn.began < shareMs) {
      turn.pieces += 1;
      return;
    }
    await turn.next;
  }
}

function newTurn(): Turn {
  const next = new Promise<void>((resolve) => {
    setImmediate(() => {
      turn = null;
      resolve();
    });
  });
  return { began: performance.now(), next, pieces: 0 };
}

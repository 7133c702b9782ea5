import { watch } from 'node:fs';

/** One sleeper that others can wake; a call that comes while it is awake is not lost. */
export class WakeUp {
  private raised = false;
  private wake: (() => void) | null = null;

  raise(): void {
    this.raised = true;
    this.wake?.();
  }

  /** Resolves when raised since the last wait, at the latest after `ms` milliseconds (Infinity: no limit). */
  async wait(ms: number): Promise<void> {
    if (!this.raised) {
      await new Promise<void>((resolve) => {
        const timer = Number.isFinite(ms) ? setTimeout(resolve, ms) : null;
        this.wake = () => {
          if (timer !== null) clearTimeout(timer);
          resolve();
        };
      });
      this.wake = null;
    }
    this.raised = false;
  }
}

const withoutWatchMs = 500;

/**
 * Calls `onChange` once, when something in the folder changes, and is over then: a watch that stayed would cost the
 * daemon an event for every line. Where the system has no watch left, `onChange` is called after half a second.
 */
export function watchOnce(folder: string, onChange: () => void): { close: () => void } {
  let over = false;
  let end = (): void => undefined;
  const fire = (): void => {
    if (over) return;
    close();
    onChange();
  };
  const close = (): void => {
    over = true;
    end();
  };
  const poll = (): void => {
    const timer = setTimeout(fire, withoutWatchMs);
    end = () => clearTimeout(timer);
  };
  try {
    const watcher = watch(folder, { persistent: false }, fire);
    watcher.on('error', () => {
      watcher.close();
      if (!over) poll();
    });
    end = () => watcher.close();
  } catch {
    poll();
  }
  return { close };
}

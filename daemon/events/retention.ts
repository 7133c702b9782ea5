import type { StateStore } from '../state/state-store.js';

/** How many events the journal keeps; `HIVE_JOURNAL_EVENTS` says otherwise. */
export const defaultKeptEvents = 100_000;

/** Prunes the journal whenever it has grown by a tenth beyond what is kept. Returns how to stop. */
export function keepJournalShort(store: StateStore, kept: number): () => void {
  const erase = store.db.prepare('DELETE FROM events WHERE seq <= ?');
  const rememberHead = store.db.prepare("INSERT INTO meta VALUES ('head', ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value");
  let pruneAt = 0;
  return store.onCommitted(() => {
    if (store.seq < pruneAt) return;
    pruneAt = store.seq + Math.max(1, Math.floor(kept / 10));
    if (store.seq <= kept) return;
    void store.record(() => {
      erase.run(store.seq - kept);
      rememberHead.run(String(store.seq));
    });
  });
}

import type Database from 'better-sqlite3';

/** How many revisions of a service a SQLite source keeps; `HIVE_KEPT_REVISIONS` says otherwise. */
export const defaultKeptRevisions = 100;

/** Of how many deleted services it keeps revisions, so that they can be brought back; those that were deleted last. */
export const keptDeletedServices = 1_000;

/** @param wanted as written in the environment; what is no number of revisions counts as the default */
export function keptRevisions(wanted: string | undefined): number {
  const number = Number(wanted ?? defaultKeptRevisions);
  return Number.isSafeInteger(number) && number >= 1 ? number : defaultKeptRevisions;
}

/** Drops the revisions of a service that are too many. The newest one always stays: numbers go on from it. */
export function pruneRevisions(db: Database.Database, service: string, kept: number): void {
  db.prepare('DELETE FROM revisions WHERE service = ? AND revision <= (SELECT revision FROM revisions WHERE service = ? ORDER BY revision DESC LIMIT 1 OFFSET ?)').run(service, service, kept);
}

/** Drops all revisions of services that were deleted before the last `kept` others. */
export function pruneDeletedServices(db: Database.Database, kept = keptDeletedServices): void {
  db.prepare(
    `DELETE FROM revisions WHERE service IN (
       SELECT service FROM revisions WHERE service NOT IN (SELECT name FROM services) GROUP BY service ORDER BY max(revision) DESC LIMIT -1 OFFSET ?
     )`,
  ).run(kept);
}

import { HiveError } from '../../../shared/errors/hive-error.js';
import type { Destination, Stored } from '../destination/destination.js';
import { verifiedMarker } from '../snapshot/manifest.js';
import { describePlace, type Place } from '../place.js';

/**
 * The snapshot that is meant: by its name or the beginning of it, or else the newest verified one (the newest where none is).
 * @throws HiveError NOT_FOUND, INVALID_PARAMS
 */
export async function chooseSnapshot(destination: Destination, place: Place, id: string | null): Promise<Stored> {
  const { snapshots } = await destination.list();
  const newest = snapshots.findLast(({ files }) => files.has(verifiedMarker)) ?? snapshots.at(-1);
  if (id === null && newest !== undefined) return newest;
  if (newest === undefined) throw new HiveError('NOT_FOUND', `There is no snapshot in ${describePlace(place)}.`, { next: 'Make one: hivectl backup create.' });
  const meant = snapshots.filter((snapshot) => snapshot.id.startsWith(id ?? ''));
  const [only, another] = meant;
  if (only === undefined) throw new HiveError('NOT_FOUND', `There is no snapshot ${id} in ${describePlace(place)}.`, { next: 'See hivectl backup list.' });
  if (another !== undefined) throw new HiveError('INVALID_PARAMS', `${meant.length} snapshots begin with ${id}.`, { next: `Write more of it, such as ${only.id}.` });
  return only;
}

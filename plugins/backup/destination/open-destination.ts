import type { Place } from '../place.js';
import type { Destination } from './destination.js';
import { FolderDestination } from './folder-destination.js';

/** The AWS SDK is loaded only where something goes to S3. */
export async function openDestination(place: Place): Promise<Destination> {
  switch (place.kind) {
    case 'folder': return new FolderDestination(place.path);
    case 's3': return new (await import('./s3-destination.js')).S3Destination(place);
  }
}

/** Where snapshots are. */
export type Place = FolderPlace | S3Place;

export interface FolderPlace {
  readonly kind: 'folder';
  /** Absolute. */
  readonly path: string;
}

export interface S3Place {
  readonly kind: 's3';
  readonly bucket: string;
  /** Empty, or ending with a slash. */
  readonly prefix: string;
  /** Null: Amazon's own. */
  readonly endpoint: string | null;
  /** Null: as AWS_REGION or the profile says. */
  readonly region: string | null;
  readonly pathStyle: boolean;
  readonly serverSideEncryption: 'AES256' | 'aws:kms' | null;
  readonly kmsKeyId: string | null;
}

/** What snapshots are encrypted with. A file holds age identities (`AGE-SECRET-KEY-1…`), or else a passphrase. */
export type KeySource =
  | { readonly kind: 'passphrase'; readonly passphrase: string }
  | { readonly kind: 'file'; readonly path: string };

/** A place and the key to what is there. */
export interface Vault {
  readonly place: Place;
  readonly key: KeySource | null;
}

export function describePlace(place: Place): string {
  switch (place.kind) {
    case 'folder': return place.path;
    case 's3': return `s3://${place.bucket}/${place.prefix}`;
  }
}

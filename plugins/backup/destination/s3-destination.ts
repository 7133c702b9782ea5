import {
  DeleteObjectsCommand, GetObjectCommand, ListObjectsV2Command, PutObjectCommand, S3Client, type PutObjectCommandInput, type S3ClientConfig,
} from '@aws-sdk/client-s3';
import { HiveError } from '../../../shared/errors/hive-error.js';
import { describePlace, type S3Place } from '../place.js';
import { manifestNames } from '../snapshot/manifest.js';
import { timeOfSnapshot } from '../snapshot/snapshot-id.js';
import type { Destination, Listing, Stored } from './destination.js';

const connectMs = 10_000;
const requestMs = 60_000;
/** As many objects as one request may remove. */
const removedAtOnce = 1_000;

/**
 * One prefix a snapshot. An object is there whole or not at all, and the manifest comes last and goes first, so a prefix
 * with a manifest is a whole snapshot. Credentials are looked for where every AWS program looks.
 */
export class S3Destination implements Destination {
  private readonly client: S3Client;

  constructor(private readonly place: S3Place) {
    const config: S3ClientConfig = {
      forcePathStyle: place.pathStyle,
      maxAttempts: 4,
      requestHandler: { connectionTimeout: connectMs, requestTimeout: requestMs },
      // Many servers that speak S3 know none of the newer checksums; what is stored is read back and compared anyway.
      requestChecksumCalculation: 'WHEN_REQUIRED',
      responseChecksumValidation: 'WHEN_REQUIRED',
      ...(place.endpoint === null ? {} : { endpoint: place.endpoint }),
      ...regionOf(place),
    };
    this.client = new S3Client(config);
  }

  async put(id: string, name: string, content: Uint8Array): Promise<void> {
    const { bucket, serverSideEncryption, kmsKeyId } = this.place;
    const input: PutObjectCommandInput = {
      Bucket: bucket, Key: this.key(id, name), Body: content, ContentLength: content.length,
      ...(serverSideEncryption === null ? {} : { ServerSideEncryption: serverSideEncryption }),
      ...(kmsKeyId === null ? {} : { SSEKMSKeyId: kmsKeyId }),
    };
    await this.doing(() => this.client.send(new PutObjectCommand(input)));
  }

  complete(id: string, name: string, content: Uint8Array): Promise<void> {
    return this.put(id, name, content);
  }

  mark(id: string, name: string, content: Uint8Array): Promise<void> {
    return this.put(id, name, content);
  }

  async list(): Promise<Listing> {
    const byId = new Map<string, Map<string, number>>();
    for (const { key, size } of await this.objects('')) {
      const [id = '', ...rest] = key.slice(this.place.prefix.length).split('/');
      if (timeOfSnapshot(id) === null || rest.length === 0) continue;
      const files = byId.get(id) ?? new Map<string, number>();
      byId.set(id, files.set(rest.join('/'), size));
    }
    const snapshots: Stored[] = [];
    const leftovers: string[] = [];
    for (const [id, files] of [...byId].sort(([one], [other]) => one.localeCompare(other))) {
      if (manifestNames.some((name) => files.has(name))) snapshots.push({ id, files });
      else leftovers.push(id);
    }
    return { snapshots, leftovers };
  }

  async get(id: string, name: string): Promise<Uint8Array> {
    return this.doing(async () => {
      const { Body } = await this.client.send(new GetObjectCommand({ Bucket: this.place.bucket, Key: this.key(id, name) }));
      if (Body === undefined) throw new Error('the answer has no body');
      return Body.transformToByteArray();
    });
  }

  async remove(id: string): Promise<void> {
    await this.delete(manifestNames.map((name) => this.key(id, name)));
    await this.delete((await this.objects(`${id}/`)).map(({ key }) => key));
  }

  async clear(id: string): Promise<void> {
    const left = (await this.objects(`${id}/`)).map(({ key }) => key);
    if (!manifestNames.some((name) => left.includes(this.key(id, name)))) await this.delete(left);
  }

  close(): void {
    this.client.destroy();
  }

  private key(id: string, name: string): string {
    return `${this.place.prefix}${id}/${name}`;
  }

  private async objects(below: string): Promise<{ key: string; size: number }[]> {
    return this.doing(async () => {
      const found: { key: string; size: number }[] = [];
      let next: string | undefined;
      do {
        const page = await this.client.send(new ListObjectsV2Command({
          Bucket: this.place.bucket, Prefix: `${this.place.prefix}${below}`, ...(next === undefined ? {} : { ContinuationToken: next }),
        }));
        for (const { Key: key, Size: size } of page.Contents ?? []) if (key !== undefined) found.push({ key, size: size ?? 0 });
        next = page.IsTruncated === true ? page.NextContinuationToken : undefined;
      } while (next !== undefined);
      return found;
    });
  }

  private async delete(keys: readonly string[]): Promise<void> {
    await this.doing(async () => {
      for (let at = 0; at < keys.length; at += removedAtOnce) {
        const Objects = keys.slice(at, at + removedAtOnce).map((Key) => ({ Key }));
        const { Errors = [] } = await this.client.send(new DeleteObjectsCommand({ Bucket: this.place.bucket, Delete: { Objects, Quiet: true } }));
        const [first] = Errors.filter(({ Code }) => Code !== 'NoSuchKey');
        if (first !== undefined) throw new Error(`${first.Key ?? 'an object'} could not be removed: ${first.Message ?? first.Code ?? 'no reason was given'}`);
      }
    });
  }

  private async doing<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      throw sentence(this.place, error as Error & { Code?: string; code?: string });
    }
  }
}

/** Without a word, what the usual chain says; other servers than Amazon's mostly do not care, but one has to be sent. */
function regionOf({ region, endpoint }: S3Place): { region?: string } {
  if (region !== null) return { region };
  const isKnown = process.env['AWS_REGION'] !== undefined || process.env['AWS_DEFAULT_REGION'] !== undefined || endpoint === null;
  return isKnown ? {} : { region: 'us-east-1' };
}

function sentence(place: S3Place, error: Error & { Code?: string; code?: string }): HiveError {
  const where = describePlace(place);
  const kind = error.Code ?? (error.name === 'Error' ? error.code ?? error.name : error.name);
  const fail = (code: 'STORAGE_FAILED' | 'NOT_FOUND' | 'PERMISSION_DENIED', what: string, next: string): HiveError => new HiveError(code, what, { next, cause: error });
  switch (kind) {
    case 'NoSuchBucket': return fail('NOT_FOUND', `There is no bucket ${place.bucket}.`, 'Make it, or correct plugins.backup.s3.bucket.');
    case 'NoSuchKey': case 'NotFound': return fail('NOT_FOUND', `An object is missing below ${where}.`, 'hivectl backup list shows the snapshots that there are.');
    case 'AccessDenied': case 'Forbidden': case 'InvalidAccessKeyId': case 'SignatureDoesNotMatch':
      return fail('PERMISSION_DENIED', `${where} refuses these credentials (${kind}).`, 'Check the access key and what it may do: list, get, put and delete objects below the prefix.');
    case 'CredentialsProviderError':
      return fail('PERMISSION_DENIED', `No credentials for ${where} were found.`, 'Put them into ~/.aws/credentials of the user that Hive runs as, or set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY in the environment of the daemon and restart it (hivectl daemon restart --keep-services).');
    default: {
      const what = error.message === 'Region is missing' ? 'its region is not known; set plugins.backup.s3.region' : error.message === '' ? kind : error.message;
      return fail('STORAGE_FAILED', `${where}${place.endpoint === null ? '' : ` at ${place.endpoint}`} cannot be used: ${what.replace(/\.$/, '')}.`, 'Check the network, the endpoint and the region; a backup by interval is tried again by itself.');
    }
  }
}

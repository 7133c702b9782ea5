import { createHmac, randomBytes, scrypt, timingSafeEqual } from 'node:crypto';
import type { SecretVerdict } from './resolve-uses.js';

type Outcome = Exclude<SecretVerdict, 'missing'>;

interface Kept {
  readonly hash: Promise<{ readonly salt: Buffer; readonly hash: Buffer }>;
  /** By a keyed digest of the secret that was given. */
  readonly outcomes: Map<string, Outcome>;
}

/**
 * Compares the secrets of consumers with salted scrypt hashes of the exposed ones. scrypt is slow on purpose (tens of
 * milliseconds), so that nothing is computed before it is asked for, one comparison runs at a time in Node's thread pool,
 * and consumers that give the same secret share one.
 */
export class SecretChecks {
  private readonly kept = new Map<string, Kept>();
  /** Tells equal secrets without keeping them, for the life of this process. */
  private readonly key = randomBytes(32);
  private last: Promise<unknown> = Promise.resolve();

  constructor(private readonly warn: (sentence: string) => void) {}

  /**
   * Whether `given` is the secret that the spec with this hash exposes. `unchecked` for the first time; `settled` is called
   * once the answer is there.
   */
  verdict(specHash: string, exposed: string, given: string, settled: () => void): Outcome {
    let kept = this.kept.get(specHash);
    if (kept === undefined) {
      kept = { hash: this.hash(exposed), outcomes: new Map() };
      this.kept.set(specHash, kept);
    }
    const digest = createHmac('sha256', this.key).update(given).digest('base64');
    const known = kept.outcomes.get(digest);
    if (known !== undefined) return known;
    kept.outcomes.set(digest, 'unchecked');
    void this.compare(kept, digest, given).then(settled);
    return 'unchecked';
  }

  /** The spec with this hash is not in use any more. */
  forget(specHash: string): void {
    this.kept.delete(specHash);
  }

  private async compare(kept: Kept, digest: string, given: string): Promise<void> {
    try {
      const { salt, hash } = await kept.hash;
      kept.outcomes.set(digest, timingSafeEqual(hash, await this.derive(given, salt)) ? 'fits' : 'differs');
    } catch (thrown) {
      kept.outcomes.set(digest, 'failed');
      this.warn(`Secrets could not be compared: ${(thrown as Error).message}`);
    }
  }

  private async hash(secret: string): Promise<{ salt: Buffer; hash: Buffer }> {
    const salt = randomBytes(16);
    return { salt, hash: await this.derive(secret, salt) };
  }

  private derive(secret: string, salt: Buffer): Promise<Buffer> {
    const next = this.last.then(() => new Promise<Buffer>((resolve, reject) => {
      scrypt(secret, salt, 32, (error, key) => (error === null ? resolve(key) : reject(error)));
    }));
    this.last = next.catch(() => undefined);
    return next;
  }
}

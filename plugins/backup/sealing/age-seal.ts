import { Decrypter, Encrypter, generateX25519Identity, identityToRecipient } from 'age-encryption';
import { readFile, rename, writeFile } from 'node:fs/promises';
import { HiveError } from '../../../shared/errors/hive-error.js';
import type { KeySource } from '../place.js';
import { Unopened, type Opening, type Sealing } from './seal.js';

/*
 * Encryption by the age format (age-encryption.org/v1): every file is authenticated, so a changed bit is found, and the
 * `age` program opens what Hive has closed. Files are closed with an age key. Of a passphrase, which takes a second and a
 * quarter of a GB to stretch, such a key is made once; closed with the passphrase, it lies in every snapshot as key.age.
 */

/** A key that can close and open: age identities, newest first. */
interface AgeKey { readonly identities: readonly [string, ...string[]]; readonly keyFile: Uint8Array | null; readonly isProven: boolean }

/** @param cache where the key that was made of a passphrase is kept, itself closed. @throws HiveError INVALID_CONFIG */
export async function ageSealing(source: KeySource, cache: string): Promise<Sealing> {
  const secret = await readSecret(source);
  const key: AgeKey = secret.kind === 'identities' ? { identities: secret.identities, keyFile: null, isProven: false } : await keyOfPassphrase(secret.passphrase, cache);
  const recipient = await identityToRecipient(key.identities[0]).catch(() => { throw notAKey(source); });
  return {
    encrypted: true,
    keyFile: key.keyFile,
    suffix: '.age',
    async seal(content) {
      const encrypter = new Encrypter();
      encrypter.addRecipient(recipient);
      return encrypter.encrypt(content);
    },
    proven: key.isProven ? openerOf(key.identities, source) : null,
  };
}

/** What opens a snapshot with this key.age, or without one. @throws HiveError INVALID_CONFIG; Unopened */
export async function ageOpening(source: KeySource, keyFile: Uint8Array | null): Promise<Opening> {
  const secret = await readSecret(source);
  if (keyFile === null) {
    if (secret.kind === 'identities') return openerOf(secret.identities, source);
    throw new Unopened('it is encrypted with a key file, and the key that was given is a passphrase');
  }
  if (secret.kind === 'identities') throw new Unopened('it is encrypted with a passphrase, and the key that was given is a file of age keys');
  const opened = await openWithPassphrase(secret.passphrase, keyFile);
  if (opened === null) throw new Unopened('its key.age cannot be opened: the passphrase is another one, or the file is damaged');
  return openerOf([opened], source);
}

function openerOf(identities: readonly string[], source: KeySource): Opening {
  return {
    async open(content) {
      const decrypter = new Decrypter();
      try {
        for (const identity of identities) decrypter.addIdentity(identity);
      } catch {
        throw notAKey(source);
      }
      try {
        return await decrypter.decrypt(content);
      } catch {
        throw new Unopened('it cannot be decrypted: it is damaged, or was encrypted with another key');
      }
    },
  };
}

type Secret = { readonly kind: 'identities'; readonly identities: readonly [string, ...string[]] } | { readonly kind: 'passphrase'; readonly passphrase: string };

async function readSecret(source: KeySource): Promise<Secret> {
  if (source.kind === 'passphrase') return source;
  const text = await readFile(source.path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    throw new HiveError('INVALID_CONFIG', `The key file ${source.path} cannot be read (${error.code ?? error.message}).`, { next: 'Put it there, readable for the user that Hive runs as, or name another one.' });
  });
  const [first, ...rest] = text.split('\n').map((line) => line.trim()).filter((line) => line.startsWith('AGE-SECRET-KEY-'));
  if (first !== undefined) return { kind: 'identities', identities: [first, ...rest] };
  const passphrase = text.trim();
  if (passphrase.length >= 12) return { kind: 'passphrase', passphrase };
  throw new HiveError('INVALID_CONFIG', `The key file ${source.path} holds neither an age key nor 12 characters or more.`, { next: `Make one: (umask 077; openssl rand -base64 32 > ${source.path})` });
}

async function keyOfPassphrase(passphrase: string, cache: string): Promise<AgeKey> {
  const kept = await readFile(cache).catch(() => null);
  const opened = kept === null ? null : await openWithPassphrase(passphrase, kept);
  if (kept !== null && opened !== null) return { identities: [opened], keyFile: kept, isProven: true };
  const identity = await generateX25519Identity();
  const encrypter = new Encrypter();
  encrypter.setPassphrase(passphrase);
  const keyFile = await encrypter.encrypt(identity);
  await writeFile(`${cache}.new`, keyFile, { mode: 0o600 });
  await rename(`${cache}.new`, cache);
  return { identities: [identity], keyFile, isProven: false };
}

/** The identity in a key.age; null: the passphrase is another one, or the file is damaged. */
async function openWithPassphrase(passphrase: string, keyFile: Uint8Array): Promise<string | null> {
  const decrypter = new Decrypter();
  decrypter.addPassphrase(passphrase);
  return decrypter.decrypt(keyFile, 'text').catch(() => null);
}

function notAKey(source: KeySource): HiveError {
  return new HiveError('INVALID_CONFIG', `${source.kind === 'file' ? source.path : 'The key'} holds no age key that can be read.`, { next: 'Give the file that age-keygen wrote.' });
}

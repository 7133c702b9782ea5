import { existsSync, readdirSync } from 'node:fs';
import { readProc } from '../../../shared/process/read-proc.js';

const closeOnExecute = 0o2000000;

/**
 * Descriptors above 2 that every program this process executes would get. Node opens none such, but it may have been
 * given some by whatever started it, and a service that holds a stranger's pipe keeps that stranger waiting for years.
 */
export function inheritedDescriptors(): number[] {
  return readdirSync('/proc/self/fd')
    .map(Number)
    .filter((descriptor) => {
      if (descriptor <= 2) return false;
      const flags = /^flags:\s*(\d+)/m.exec(readProc(`/proc/self/fdinfo/${descriptor}`) ?? '')?.[1];
      return flags !== undefined && (Number.parseInt(flags, 8) & closeOnExecute) === 0;
    });
}

/** The words that execute `words` without these descriptors. dash cannot name one above 9, so bash does where it is there. */
export function withoutDescriptors(words: readonly string[], descriptors: readonly number[]): readonly string[] {
  if (descriptors.length === 0) return words;
  // Without --norc, bash takes a socket as its input for a remote login and reads the user's .bashrc.
  const shell = existsSync('/bin/bash') ? ['/bin/bash', '--norc'] : ['/bin/sh'];
  return [...shell, '-c', `${descriptors.map((descriptor) => `exec ${descriptor}>&-`).join('; ')}; exec "$@"`, 'close-descriptors', ...words];
}

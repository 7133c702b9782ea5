/** The umask that hived was started with, once its own is another. A process has one umask, hence one variable. */
let startedWith: number | null = null;

/** From now on every file that hived makes is for its user alone, whatever umask it was started with. */
export function keepOwnFilesPrivate(): void {
  startedWith ??= process.umask(0o077);
}

/** The umask that hived was started with, in octal digits: what services get, and whatever is run for them. */
export function serviceUmask(): string {
  return (startedWith ?? ownUmask()).toString(8).padStart(3, '0');
}

/** The words that execute `words` with the umask of services. */
export function withServiceUmask(words: readonly string[]): readonly [string, ...string[]] {
  return ['/bin/sh', '-c', `umask ${serviceUmask()}; exec "$@"`, 'with-umask', ...words];
}

/** Node can only tell the umask by setting one. */
function ownUmask(): number {
  const umask = process.umask(0o077);
  process.umask(umask);
  return umask;
}

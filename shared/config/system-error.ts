/** The code of a failed system call (`ENOENT`), or null; not every such error is an instance of this realm's Error. */
export function systemErrorCode(error: unknown): string | null {
  const code = typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined;
  return typeof code === 'string' ? code : null;
}

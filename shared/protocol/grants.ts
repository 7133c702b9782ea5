/**
 * Permissions are strings: a word (`read`, `admin`, `routes`, `events:read`, `sources:write`) or a word with a glob
 * (`services:write:<source>`, `services:control:<fqn glob>`, `logs:read:<fqn glob>`, `plugin:call:<id>`).
 * `*` in a glob stands for any run of characters. The owner of the socket holds `*`: everything.
 */
export type Need = { grant: string; target?: string };

/** Tells whether one of `grants` covers what a method needs. */
export function isGranted(grants: readonly string[], need: Need): boolean {
  return grants.some((grant) => {
    if (grant === '*') return true;
    if (need.target === undefined) return grant === need.grant;
    if (!grant.startsWith(`${need.grant}:`)) return false;
    return globMatches(grant.slice(need.grant.length + 1), need.target);
  });
}

/** How a need reads in a denial: `services:control:default:web`. */
export function describeNeed(need: Need): string {
  return need.target === undefined ? need.grant : `${need.grant}:${need.target}`;
}

/** `*` matches any run of characters, everything else itself. */
export function globMatches(glob: string, text: string): boolean {
  const parts = glob.split('*');
  const first = parts[0] ?? '';
  if (parts.length === 1) return glob === text;
  if (!text.startsWith(first)) return false;
  let at = first.length;
  for (const part of parts.slice(1, -1)) {
    const found = text.indexOf(part, at);
    if (found < 0) return false;
    at = found + part.length;
  }
  const last = parts[parts.length - 1] ?? '';
  return text.length - at >= last.length && text.endsWith(last);
}

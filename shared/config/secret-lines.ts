import type { ConfigNode, ConfigPath, Span } from './config-node.js';

/**
 * A key below which values may be secret whatever they are called: variables, in any spelling, `secret`, and settings of
 * plugins, of which Hive does not know what they mean.
 */
const privateKey = /^(env\w*|static|vars|secret\w*|plugins)$/i;
/** What no secret looks like: a flag, a number, a duration, a size. */
const harmless = /^(true|false|\d{1,6}(\.\d+)?\s?(ms|s|m|h|d|%|B|KB|MB|GB)?)$/;
const secretKey =
  /((?:^|[\s{,"'])[\w.-]*(?:secret|passw|token|credential|private|api_?key|access_?key)[\w.-]*["']?\s*[:=]\s*)("(?:[^"\\]|\\.)*"?|'[^']*'?|\$\{env\.\w+\}|[^\s,}][^,}]*)/gi;
const urlPassword = /(:\/\/[^\s:/@]*:)[^\s@/]+(?=@)/g;

/** Whether what stands at `path` may be a secret, by the names of what it stands in. */
export function isPrivate(path: ConfigPath): boolean {
  return path.some((step) => typeof step === 'string' && (privateKey.test(step) || /^add$|secret|passw|token/i.test(step)));
}

/** Leaves out what stands after a key that sounds like a secret, and passwords in URLs; references to the environment stay. */
export function withoutSecrets(line: string): string {
  return line
    .replace(secretKey, (whole: string, key: string, value: string) => (/^["']?\$\{env\.\w+\}["']?$/.test(value) ? whole : `${key}…`))
    .replace(urlPassword, '$1…');
}

/** Where a document has values that may be secret whatever they are called; references to the environment are not. */
export function secretSpans(document: ConfigNode): Span[] {
  const spans: Span[] = [];
  const visit = (node: ConfigNode, isSecret: boolean): void => {
    if (node.kind === 'scalar') {
      if (isSecret && !/^\$\{env\.\w+\}$/.test(node.written) && !harmless.test(node.written)) spans.push(node.span);
    } else if (node.kind === 'list') for (const item of node.items) visit(item, isSecret);
    else for (const [key, entry] of node.entries) visit(entry.value, (isSecret && key !== 'files') || privateKey.test(key));
  };
  visit(document, false);
  return spans.sort((a, b) => a.start - b.start);
}

/**
 * Where the line at `index` has a value that may be secret, in a text that nobody could parse: by its indentation it
 * stands below a private key, or it has one itself. The offset in the line from which on nothing may be shown, or null.
 */
export function secretFrom(index: number, lineAt: (index: number) => string): number | null {
  const line = lineAt(index);
  const own = /(^|[\s{,])["']?(env\w*|static|vars|secret\w*|plugins)["']?\s*:/i.exec(line);
  if (own !== null) return own.index + own[0].length;
  let indent = indentOf(line);
  for (let above = index - 1; above >= 0 && indent > 0; above -= 1) {
    const candidate = lineAt(above);
    if (/^\s*(#|$)/.test(candidate) || indentOf(candidate) >= indent) continue;
    indent = indentOf(candidate);
    const [, key = ''] = /^\s*(?:-\s+)*["']?([\w.-]+)["']?\s*:/.exec(candidate) ?? [];
    if (!privateKey.test(key)) continue;
    const colon = /:(\s|$)/.exec(line);
    return colon === null ? indentOf(line) : colon.index + 1;
  }
  return null;
}

function indentOf(line: string): number {
  return /^\s*/.exec(line)?.[0].length ?? 0;
}

/** What stands in a shown configuration where a secret was written. */
export const mask = '***';

const secretKey = /token|secret|passw|passphrase|pwd|key|credential|authorization|bearer|private/i;
/** Variables, in which a secret may have any name. */
const variables = /^(static|vars)$/;
/** Without a default: `${env.X:-secret}` says what it is. */
const onlyReference = /^\s*\$\{[\w.]+(:-)?\}\s*$/;
const passwordInUrl = /(:\/\/[^\s:/@]*:)(?!\$\{)[^\s@/]+(?=@)/g;
const assignment = /((?:^|[\s;&|'"?-])[\w-]*(?:token|secret|passw(?:or)?d|passphrase|api[_-]?key|access[_-]?key|credential)[\w-]*\s*[=:]\s*["']?)(?!\$\{|\$[A-Za-z_(])[^\s"'&;|]+/gi;
const secretFlag = /^--?[\w-]*(?:token|secret|passw(?:or)?d|passphrase|api[_-]?key|access[_-]?key|credential)[\w-]*$/i;
const flagAndValue = /((?:^|\s)--[\w-]*(?:token|secret|passw(?:or)?d|passphrase|api-?key|access-?key|credential)[\w-]*\s+["']?)(?!-|\$)[^\s"'&;|]+/gi;
const bearer = /(\b(?:bearer|basic)\s+)(?!\$)[\w.~+/=-]{8,}/gi;

/**
 * The configuration as written, with `***` in place of the values of variables, of every value whose key sounds like a
 * secret and of what looks like one inside a text: a password in a URL, `PASSWORD=…` or a bearer token in a command.
 * References such as `${env.X}` stay, for they say where a secret comes from and not what it is.
 */
export function maskSecrets(config: unknown): unknown {
  return masked(config, false);
}

/**
 * Puts the secrets back where `config` repeats what `maskSecrets(present)` showed, so that somebody may read a
 * configuration, change a line and send it whole.
 */
export function unmaskSecrets(config: unknown, present: unknown): unknown {
  return unmasked(config, present, maskSecrets(present));
}

/** Where a mask is left that stands for nothing, such as `environment.static.TOKEN`; null: nowhere. */
export function findMask(config: unknown, path = ''): string | null {
  if (config === mask) return path;
  if (typeof config !== 'object' || config === null) return null;
  for (const [key, value] of Object.entries(config)) {
    const found = findMask(value, path === '' ? key : `${path}.${key}`);
    if (found !== null) return found;
  }
  return null;
}

function unmasked(config: unknown, present: unknown, shown: unknown): unknown {
  if (typeof config === 'string') return config === shown ? present : config;
  if (typeof config !== 'object' || config === null || typeof present !== 'object' || present === null) return config;
  if (Array.isArray(config)) return config.map((item, index) => unmasked(item, (present as unknown[])[index], (shown as unknown[])[index]));
  const [before, seen] = [present, shown] as [Record<string, unknown>, Record<string, unknown>];
  return Object.fromEntries(Object.entries(config).map(([key, value]) => [key, Object.hasOwn(before, key) ? unmasked(value, before[key], seen[key]) : value]));
}

function masked(value: unknown, secret: boolean): unknown {
  // The word after --password in a command that is written as a list.
  if (Array.isArray(value)) return value.map((item, index) => masked(item, secret || secretFlag.test(String(value[index - 1] ?? ''))));
  if (typeof value === 'object' && value !== null) {
    // A map below such a key (`secrets: {db: …}`) holds secrets whatever its own keys are called.
    return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, masked(inner, secret || secretKey.test(key) || variables.test(key) || holdsVariables(key, inner))]));
  }
  if (typeof value === 'string') return secret ? (onlyReference.test(value) || value === '' ? value : mask) : maskText(value);
  if (typeof value === 'number') return secret ? mask : value;
  return value;
}

/** `environment` of a hook's step or of a container: names and values, where that of a service has providers. */
function holdsVariables(key: string, value: unknown): boolean {
  return key === 'environment' && typeof value === 'object' && value !== null && Object.values(value).every((one) => typeof one !== 'object');
}

function maskText(text: string): string {
  return text.replace(passwordInUrl, `$1${mask}`).replace(assignment, `$1${mask}`).replace(flagAndValue, `$1${mask}`).replace(bearer, `$1${mask}`);
}

import type { ConfigNode, ConfigPath, ScalarNode, Span } from './config-node.js';
import { nearestName } from './nearest-name.js';
import { formatPath, type ProblemList } from './problem-list.js';

export type Environment = Readonly<Record<string, string | undefined>>;

/**
 * `$${` (a literal), or `${provider.name}` with an optional `:-default`. A `${` without a dot belongs to the shell: shell
 * variables have no dots in their names, so that scripts in `run` need no escaping.
 */
const reference = /\$\$\{|\$\{([A-Za-z][A-Za-z0-9_]*)\.([^}]*)(\}?)/g;
const providers = ['env', 'service'];

/**
 * Fills in `${env.NAME}`, `${env.NAME:-default}` and `${service.name}` in every text of the tree (not in keys) and turns
 * `$${` into `${`. What cannot be filled in is reported and its value marked as broken. Values are put in as they are: a
 * value that looks like a reference or like YAML stays text.
 */
export function interpolate(root: ConfigNode, env: Environment, problems: ProblemList, at: ConfigPath = []): ConfigNode {
  const visit = (node: ConfigNode, path: ConfigPath): ConfigNode => {
    switch (node.kind) {
      case 'scalar':
        return typeof node.value === 'string' && node.value.includes('${') ? scalar(node, node.value, path) : node;
      case 'list': {
        let changed = false;
        const items = node.items.map((item, index) => {
          const next = visit(item, [...path, index]);
          changed ||= next !== item;
          return next;
        });
        return changed ? { ...node, items } : node;
      }
      case 'map': {
        let changed = false;
        const entries = new Map(node.entries);
        for (const [key, entry] of node.entries) {
          const value = visit(entry.value, [...path, key]);
          if (value === entry.value) continue;
          changed = true;
          entries.set(key, { ...entry, value });
        }
        return changed ? { ...node, entries } : node;
      }
    }
  };

  const scalar = (node: ScalarNode, text: string, path: ConfigPath): ScalarNode => {
    let broken = false;
    const value = text.replace(reference, (whole: string, provider: string | undefined, rest: string | undefined, close: string | undefined) => {
      if (provider === undefined) return '${';
      const filled = close === '' ? unclosed(whole) : lookUp(provider, rest ?? '', path);
      if (typeof filled === 'string') return filled;
      broken = true;
      problems.add({ span: spanInside(node.span, node.written, whole), path, code: 'INVALID_VALUE', ...filled });
      return '';
    });
    return broken ? { ...node, value, broken } : { ...node, value };
  };

  const lookUp = (provider: string, rest: string, path: ConfigPath): string | Refusal => {
    const [, name = '', fallback] = /^([^:]*?)(?::-([^]*))?$/.exec(rest) ?? [undefined, rest];
    if (provider === 'env') {
      if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) return { message: `"${name}" in \${env.${rest}} is not the name of an environment variable.` };
      const value = Object.hasOwn(env, name) ? env[name] : undefined;
      if (value !== undefined && (value !== '' || fallback === undefined)) return value;
      if (fallback !== undefined) return fallback;
      return {
        message: `The environment variable ${name} is not set, and ${formatPath(path)} has no default for it.`,
        expected: `${name} in the daemon's environment, or a default: \${env.${name}:-default}`,
      };
    }
    if (provider === 'service') {
      if (name !== 'name') return { message: `\${service.${name}} is unknown.`, expected: '${service.name}', suggestion: '${service.name}' };
      const service = path[0] === 'services' ? path[1] : undefined;
      return typeof service === 'string' ? service : { message: '${service.name} stands outside of a service, where it means nothing.' };
    }
    const near = nearestName(provider, providers);
    return {
      message: `\${${provider}.${name}} is unknown: Hive fills in \${env.NAME} and \${service.name}.`,
      expected: 'env or service before the dot; $${ for a literal ${',
      ...(near === null ? {} : { suggestion: `\${${near}.${rest}}` }),
    };
  };

  return visit(root, at);
}

interface Refusal {
  readonly message: string;
  readonly expected?: string;
  readonly suggestion?: string;
}

function unclosed(whole: string): Refusal {
  return { message: `"${whole.slice(0, 30)}" is not closed: } is missing.`, expected: '${env.NAME}; $${ for a literal ${' };
}

/** Points at the reference itself when it stands on the first line of the text as written. */
function spanInside(span: Span, written: string, part: string): Span {
  const at = written.indexOf(part);
  if (span.end === 0 || at === -1 || written.slice(0, at).includes('\n')) return span;
  // A quoted text is one character longer at its start than what it says.
  const quote = span.end - span.start > written.length ? 1 : 0;
  return { start: Math.min(span.start + quote + at, span.end), end: span.end };
}

import { spanAt, type ConfigNode, type ConfigPath } from './config-node.js';
import { formatPath, type ProblemList } from './problem-list.js';

/** A part of the format that the schema knows and this build does not run yet. `*` stands for any one key. */
export interface Unsupported {
  readonly feature: string;
  readonly at: readonly string[];
  readonly when?: (value: unknown) => boolean;
}

/** What is refused rather than ignored: a row such as `{feature: 'hooks', at: ['services', '*', 'hooks']}`, which goes when its feature comes. */
export const notYetSupported: readonly Unsupported[] = [];

/** Reports every use of what `unsupported` lists. */
export function refuseUnsupported(root: ConfigNode, unsupported: readonly Unsupported[], problems: ProblemList): void {
  for (const { feature, at, when } of unsupported) {
    for (const path of matches(root, at, [])) {
      const node = path.reduce<ConfigNode | undefined>((current, key) => (current?.kind === 'map' ? current.entries.get(String(key))?.value : undefined), root);
      if (node === undefined || (node.kind === 'scalar' && (node.value === null || node.broken === true))) continue;
      if (when !== undefined && !when(node.kind === 'scalar' ? node.value : undefined)) continue;
      const where = path[0] === 'services' ? `, which service ${path[1]} asks for` : '';
      problems.add({
        span: spanAt(root, path, when === undefined ? 'key' : 'value'),
        path,
        code: 'NOT_SUPPORTED',
        message: `This build of Hive does not support ${feature} yet${where} (${formatPath(path)}).`,
      });
    }
  }
}

function matches(node: ConfigNode, pattern: readonly string[], from: ConfigPath): ConfigPath[] {
  const [step, ...rest] = pattern;
  if (step === undefined) return [from];
  if (node.kind !== 'map') return [];
  const keys = step === '*' ? [...node.entries.keys()] : [step];
  return keys.flatMap((key) => {
    const entry = node.entries.get(key);
    return entry === undefined ? [] : matches(entry.value, rest, [...from, key]);
  });
}

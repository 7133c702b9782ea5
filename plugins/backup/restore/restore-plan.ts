import type { ToRecall } from './carry-over.js';

/** One thing that a restore does, in order. */
export type RestoreStep =
  | ({ readonly do: 'recall' } & ToRecall)
  | { readonly do: 'write'; readonly source: string; readonly path: string; readonly from: string; readonly mode: number; readonly change: 'new' | 'changed' }
  | { readonly do: 'replaceDatabase'; readonly source: string; readonly path: string; readonly from: string }
  | { readonly do: 'putAside'; readonly source: string; readonly path: string; readonly why: string }
  | { readonly do: 'service'; readonly fqn: string; readonly kind: 'yaml' | 'sqlite'; readonly path: string; readonly from: string }
  | { readonly do: 'add'; readonly source: string; readonly path: string }
  | { readonly do: 'reload' | 'enable' | 'disable'; readonly source: string }
  | { readonly do: 'choosePlugins'; readonly plugins: readonly { readonly plugin: string; readonly choice: 'default' | 'enabled' | 'disabled' }[] };

export interface RestorePlan {
  readonly snapshot: string;
  readonly createdAt: string;
  readonly host: string;
  readonly hive: string;
  readonly encrypted: boolean;
  readonly only: string | null;
  readonly steps: readonly RestoreStep[];
  /** What is in the snapshot and needs nothing done, as sentences. */
  readonly unchanged: readonly string[];
  /** What a person should know before going on, as sentences. */
  readonly remarks: readonly string[];
}

/** Of so many a step names each. */
const mostNamed = 6;

/** A step as a person reads it. */
export function describeStep(step: RestoreStep): string {
  switch (step.do) {
    case 'recall': {
      const names = [...step.intents.map(({ name, wanted }) => `${name} ${wanted ?? 'as if nobody had said anything'}`), ...step.scales.map(({ fqn, instances }) => `${fqn} ${instances === null ? 'as configured' : `× ${instances}`}`)];
      return `remember what was wanted: ${names.slice(0, mostNamed).join(', ')}${names.length > mostNamed ? ` and ${names.length - mostNamed} more` : ''}`;
    }
    case 'write': return step.change === 'new' ? `write ${step.path}` : `replace ${step.path}; the present one is kept beside it`;
    case 'replaceDatabase': return `put the database back into ${step.path}; the present content is kept beside it`;
    case 'putAside': return `rename ${step.path} (${step.why})`;
    case 'service': return `put ${step.fqn} back into ${step.path}`;
    case 'add': return `register source ${step.source} (${step.path})`;
    case 'reload': return `reload source ${step.source}`;
    case 'enable': return `enable source ${step.source}`;
    case 'disable': return `disable source ${step.source}: it was disabled when it was backed up`;
    case 'choosePlugins':
      return `plugins as they were: ${step.plugins.map(({ plugin, choice }) => `${plugin} ${choice === 'default' ? 'as configured' : choice}`).join(', ')}`;
  }
}

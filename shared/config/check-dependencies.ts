import { nodeAt, type ConfigPath } from './config-node.js';
import { dependencyCycles } from './dependency-cycle.js';
import { nearestName } from './nearest-name.js';
import type { ProblemList } from './problem-list.js';
import { pathOf, spanOf, type ServiceDraft } from './service-draft.js';
import type { ServiceSpec } from './service-spec.js';

/** Who depends on whom: the names exist, and nobody waits for themselves. */
export function checkDependencies(drafts: readonly ServiceDraft[], siblings: readonly ServiceSpec[], problems: ProblemList): void {
  const known = new Set([...siblings.map((sibling) => sibling.name), ...drafts.map((draft) => draft.name)]);
  const graph = new Map<string, readonly string[]>();
  for (const draft of drafts) {
    const names = dependencyNames(draft);
    graph.set(draft.name, names);
    for (const name of names) if (!known.has(name)) problems.add(unknownService(draft, name, known));
  }
  for (const sibling of siblings) graph.set(sibling.name, sibling.dependsOn.map((dependency) => dependency.name));
  for (const cycle of dependencyCycles(graph)) reportCycle(cycle, drafts, problems);
}

function dependencyNames(draft: ServiceDraft): string[] {
  const dependsOn = draft.config.depends_on;
  if (dependsOn === undefined) return [];
  return Array.isArray(dependsOn) ? dependsOn : Object.keys(dependsOn);
}

/** Where `name` stands in the service's depends_on, below the service. */
function placeOf(draft: ServiceDraft, name: string): ConfigPath {
  const node = nodeAt(draft.node, ['depends_on']);
  if (node?.kind !== 'list') return ['depends_on', name];
  return ['depends_on', node.items.findIndex((item) => item.kind === 'scalar' && item.value === name)];
}

function unknownService(draft: ServiceDraft, name: string, known: ReadonlySet<string>) {
  const place = placeOf(draft, name);
  const near = nearestName(name, [...known].filter((other) => other !== draft.name));
  const foreign = name.includes(':') ? ' Services of other sources are reached with expose and uses.' : '';
  const hint = near === null ? '.' : `: did you mean ${near}?`;
  return {
    span: spanOf(draft, place, 'key'),
    path: pathOf(draft, place),
    code: 'UNKNOWN_NAME' as const,
    message: `Service ${draft.name} depends on "${name}", which is no service of this source${hint}${foreign}`,
    expected: known.size > 20 ? 'the name of a service of this source' : `one of ${[...known].join(', ')}`,
    ...(near === null ? {} : { suggestion: near }),
  };
}

function reportCycle(cycle: readonly string[], drafts: readonly ServiceDraft[], problems: ProblemList): void {
  const at = drafts.find((draft) => cycle.includes(draft.name));
  if (at === undefined) return;
  const next = cycle[cycle.indexOf(at.name) + 1] ?? at.name;
  const place = placeOf(at, next);
  const said = cycle.length === 2 ? `Service ${at.name} depends on itself` : `Services wait for each other in a circle: ${cycle.join(' → ')}`;
  problems.add({
    span: spanOf(at, place, 'key'),
    path: pathOf(at, place),
    code: 'DEPENDENCY_CYCLE',
    message: `${said}.`,
    expected: 'an order in which each can start after those it depends on',
  });
}

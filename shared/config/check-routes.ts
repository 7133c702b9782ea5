import { plainPath } from './proxy.js';
import type { ProblemList } from './problem-list.js';
import { itemsOf, lacks, pathOf, spanOf, type ServiceDraft } from './service-draft.js';
import type { ServiceSpec } from './service-spec.js';

/** Blue-green switches routes when the new colour is healthy, so that it needs both. */
export function checkBlueGreen(draft: ServiceDraft, problems: ProblemList): void {
  if (draft.config.rollout?.type !== 'blue-green') return;
  const missing = [lacks(draft, 'healthcheck') ? 'health check' : null, lacks(draft, 'proxy') ? 'proxy route' : null].filter((word) => word !== null);
  if (missing.length === 0) return;
  problems.add({
    span: spanOf(draft, ['rollout', 'type']),
    path: pathOf(draft, ['rollout', 'type']),
    code: 'INVALID_VALUE',
    message: `A blue-green rollout needs a health check and a proxy route, and service ${draft.name} has no ${missing.join(' and no ')}.`,
    expected: 'healthcheck and proxy beside it, or type: recreate',
  });
}

/** A route (host + path) and an expose name belong to one service. */
export function checkRoutesAreUnique(drafts: readonly ServiceDraft[], siblings: readonly ServiceSpec[], problems: ProblemList): void {
  const owners = new Map<string, string>();
  for (const sibling of siblings) for (const route of sibling.proxy) owners.set(routeKey(route), sibling.name);
  for (const draft of drafts) {
    const items = itemsOf(draft, 'proxy');
    for (const [index, route] of (draft.config.proxy ?? []).entries()) {
      const key = routeKey({ host: route.host?.toLowerCase() ?? null, path: plainPath(route.path) });
      const owner = owners.get(key);
      const path = items[index]?.path ?? ['proxy'];
      if (owner === undefined) owners.set(key, draft.name);
      else {
        problems.add({
          span: spanOf(draft, path),
          path: pathOf(draft, path),
          code: 'CONFLICT',
          message: `The route ${key} of service ${draft.name} belongs to ${owner === draft.name ? 'an earlier one of its routes' : `service ${owner}`} already.`,
        });
      }
    }
  }
}

export function checkExposedAreUnique(drafts: readonly ServiceDraft[], siblings: readonly ServiceSpec[], problems: ProblemList): void {
  const owners = new Map(siblings.flatMap((sibling) => (sibling.expose === null ? [] : [[sibling.expose.name, sibling.name] as const])));
  for (const draft of drafts) {
    const name = draft.config.expose?.name;
    if (name === undefined) continue;
    const owner = owners.get(name);
    if (owner === undefined) owners.set(name, draft.name);
    else {
      problems.add({
        span: spanOf(draft, ['expose', 'name']),
        path: pathOf(draft, ['expose', 'name']),
        code: 'CONFLICT',
        message: `The expose name ${name} of service ${draft.name} belongs to service ${owner} already.`,
      });
    }
  }
}

/** Aliases are what templates refer to, so that one alias is one service. */
export function checkAliases(draft: ServiceDraft, problems: ProblemList): void {
  const seen = new Set<string>();
  for (const [index, use] of (draft.config.uses ?? []).entries()) {
    const alias = use.as ?? use.name;
    if (seen.has(alias)) {
      problems.add({
        span: spanOf(draft, ['uses', index]),
        path: pathOf(draft, ['uses', index, 'as']),
        code: 'CONFLICT',
        message: `Two entries in uses of service ${draft.name} are called ${alias}: give one another name with as.`,
      });
    }
    seen.add(alias);
  }
}

function routeKey(route: { host: string | null; path: string }): string {
  return `${route.host ?? '*'}${route.path}`;
}

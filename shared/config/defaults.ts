import { z } from 'zod';
import { withEntry, type ConfigNode, type MapNode } from './config-node.js';
import { dotenvFields } from './environment.js';
import { commandCheckFields, httpCheckFields, tcpCheckFields } from './healthcheck.js';
import { blueGreenFields, recreateFields, rollingFields } from './rollout.js';
import { composeRunnerFields, containerRunnerFields, scriptRunnerFields, swarmRunnerFields } from './runners.js';

/** Everything that a plugin id can set, as optional as it is in a `defaults` block. */
const block = (fields: z.ZodRawShape, id: string) => z.strictObject(fields).partial().optional().describe(`Defaults of every ${id}.`);

export const defaultsSchema = z.strictObject({
  'hive.runner.script': block(scriptRunnerFields, 'script runner'),
  'hive.runner.docker': block(containerRunnerFields, 'docker runner'),
  'hive.runner.podman': block(containerRunnerFields, 'podman runner'),
  'hive.runner.compose': block(composeRunnerFields, 'compose runner'),
  'hive.runner.swarm': block(swarmRunnerFields, 'swarm runner'),
  'hive.health.http': block(httpCheckFields, 'http health check'),
  'hive.health.tcp': block(tcpCheckFields, 'tcp health check'),
  'hive.health.cmd': block(commandCheckFields, 'cmd health check'),
  'hive.rollout.recreate': block(recreateFields, 'recreate rollout'),
  'hive.rollout.blue-green': block(blueGreenFields, 'blue-green rollout'),
  'hive.rollout.rolling': block(rollingFields, 'rolling rollout'),
  'hive.env.dotenv': block(dotenvFields, 'dotenv provider'),
});

export type DefaultsId = keyof z.output<typeof defaultsSchema>;

/** The service with the source's defaults put under what it says itself; `defaults` is a map by plugin id. */
export function applyDefaults(service: MapNode, defaults: MapNode | null): MapNode {
  if (defaults === null || defaults.entries.size === 0) return service;
  const under = (kind: string) => (node: ConfigNode) => withDefaultBlock(node, kind, defaults);
  let result = service;
  const change = (field: string, how: (node: ConfigNode) => ConfigNode) => {
    const entry = result.entries.get(field);
    if (entry === undefined) return;
    const value = how(entry.value);
    if (value !== entry.value) result = withEntry(result, field, { ...entry, value });
  };
  change('runner', under('hive.runner'));
  change('rollout', under('hive.rollout'));
  change('healthcheck', (node) => (node.kind === 'list' ? { ...node, items: node.items.map(under('hive.health')) } : under('hive.health')(node)));
  change('hooks', (node) => withDefaultsInHooks(node, defaults));
  change('environment', (node) => {
    const dotenv = defaults.entries.get('hive.env.dotenv')?.value;
    const entry = node.kind === 'map' ? node.entries.get('dotenv') : undefined;
    if (dotenv?.kind !== 'map' || node.kind !== 'map' || entry?.value.kind !== 'map') return node;
    return withEntry(node, 'dotenv', { ...entry, value: beneath(entry.value, dotenv) });
  });
  return result;
}

/** A source with its defaults put under the runners of its own hooks; those of its services have them by `applyDefaults`. */
export function withDefaultsInOwnHooks(root: ConfigNode): ConfigNode {
  const hooks = root.kind === 'map' ? root.entries.get('hooks') : undefined;
  const defaults = root.kind === 'map' ? root.entries.get('defaults')?.value : undefined;
  if (root.kind !== 'map' || hooks === undefined || defaults?.kind !== 'map') return root;
  return withEntry(root, 'hooks', { ...hooks, value: withDefaultsInHooks(hooks.value, defaults) });
}

/** The steps of hooks with the defaults of their runners, those that run in parallel too. */
function withDefaultsInHooks(hooks: ConfigNode, defaults: MapNode): ConfigNode {
  if (hooks.kind !== 'map') return hooks;
  return { ...hooks, entries: new Map([...hooks.entries].map(([event, entry]) => [event, { ...entry, value: stepsWith(entry.value, defaults) }])) };
}

function stepsWith(steps: ConfigNode, defaults: MapNode): ConfigNode {
  if (steps.kind === 'list') return { ...steps, items: steps.items.map((step) => stepsWith(step, defaults)) };
  if (steps.kind !== 'map') return steps;
  const runner = steps.entries.get('runner');
  const parallel = steps.entries.get('parallel');
  let step = steps;
  if (runner !== undefined) step = withEntry(step, 'runner', { ...runner, value: withDefaultBlock(runner.value, 'hive.runner', defaults) });
  if (parallel !== undefined) step = withEntry(step, 'parallel', { ...parallel, value: stepsWith(parallel.value, defaults) });
  return step;
}

/** `{type: x, x: {…}}` with the defaults of `<kind>.x` under its block. */
function withDefaultBlock(node: ConfigNode, kind: string, defaults: MapNode): ConfigNode {
  if (node.kind !== 'map') return node;
  const type = node.entries.get('type')?.value;
  if (type?.kind !== 'scalar' || typeof type.value !== 'string') return node;
  const block = defaults.entries.get(`${kind}.${type.value}`)?.value;
  const entry = node.entries.get(type.value);
  if (block?.kind !== 'map' || entry?.value.kind !== 'map') return node;
  return withEntry(node, type.value, { ...entry, value: beneath(entry.value, block) });
}

function beneath(own: MapNode, defaults: MapNode): MapNode {
  return { ...own, entries: new Map([...defaults.entries, ...own.entries]) };
}

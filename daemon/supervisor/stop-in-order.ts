import { dependenciesFirst } from './dependency-order.js';

/**
 * Stops each node once nothing that depends on it is left; what does not depend on each other stops at the same time.
 * Throws what the first failed stop says, after all are tried.
 */
export async function stopInOrder<Node>(nodes: readonly Node[], dependenciesOf: (node: Node) => readonly Node[], stop: (node: Node) => Promise<void>): Promise<void> {
  const stopped = new Map<Node, Promise<void>>();
  const dependents = new Map<Node, Node[]>(nodes.map((node) => [node, []]));
  for (const node of nodes) for (const dependency of dependenciesOf(node)) dependents.get(dependency)?.push(node);
  for (const node of dependenciesFirst(nodes, dependenciesOf).reverse()) {
    const before = (dependents.get(node) ?? []).map((dependent) => stopped.get(dependent) ?? Promise.resolve());
    stopped.set(node, (async () => {
      await Promise.allSettled(before);
      await stop(node);
    })());
  }
  const outcomes = await Promise.allSettled(stopped.values());
  const failure = outcomes.find((outcome) => outcome.status === 'rejected');
  if (failure !== undefined) throw failure.reason as Error;
}

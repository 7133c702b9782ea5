/**
 * Every circle of services that wait for each other, spelt out with its first member repeated at the end:
 * `[a, b, c, a]`. One circle for each knot of services, starting with the member that comes first in `graph`. Takes time
 * in proportion to the edges.
 */
export function dependencyCycles(graph: ReadonlyMap<string, readonly string[]>): string[][] {
  return knots(graph).map((members) => circleWithin(members, graph));
}

/** Tarjan's strongly connected components, without recursion: a chain may be as long as a source. */
function knots(graph: ReadonlyMap<string, readonly string[]>): Set<string>[] {
  const order = new Map<string, number>();
  const lowest = new Map<string, number>();
  const stack: string[] = [];
  const onStack = new Set<string>();
  const found: Set<string>[] = [];
  const enter = (name: string) => {
    order.set(name, order.size);
    lowest.set(name, order.size - 1);
    stack.push(name);
    onStack.add(name);
    return { name, next: 0 };
  };
  for (const root of graph.keys()) {
    if (order.has(root)) continue;
    const visits = [enter(root)];
    for (let visit = visits.at(-1); visit !== undefined; visit = visits.at(-1)) {
      const { name } = visit;
      const target = (graph.get(name) ?? [])[visit.next];
      if (target !== undefined) {
        visit.next += 1;
        if (!graph.has(target)) continue;
        if (!order.has(target)) visits.push(enter(target));
        else if (onStack.has(target)) lowest.set(name, Math.min(lowest.get(name) ?? 0, order.get(target) ?? 0));
        continue;
      }
      visits.pop();
      const parent = visits.at(-1)?.name;
      if (parent !== undefined) lowest.set(parent, Math.min(lowest.get(parent) ?? 0, lowest.get(name) ?? 0));
      if (lowest.get(name) !== order.get(name)) continue;
      const members = new Set<string>();
      for (let member = stack.pop(); member !== undefined; member = stack.pop()) {
        onStack.delete(member);
        members.add(member);
        if (member === name) break;
      }
      if (members.size > 1 || (graph.get(name) ?? []).includes(name)) found.push(members);
    }
  }
  return found;
}

/** The shortest way from the first member back to itself. */
function circleWithin(members: ReadonlySet<string>, graph: ReadonlyMap<string, readonly string[]>): string[] {
  const start = [...graph.keys()].find((name) => members.has(name)) ?? '';
  const cameFrom = new Map<string, string>();
  const queue = [start];
  for (const name of queue) {
    for (const target of graph.get(name) ?? []) {
      if (target === start) {
        const way = [start];
        for (let at: string | undefined = name; at !== undefined && at !== start; at = cameFrom.get(at)) way.unshift(at);
        return [start, ...way];
      }
      if (members.has(target) && !cameFrom.has(target)) {
        cameFrom.set(target, name);
        queue.push(target);
      }
    }
  }
  return [start, start];
}

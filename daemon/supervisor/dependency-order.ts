/** The nodes, each after everything it depends on. Graphs without cycles; dependencies outside of `nodes` are left out. */
export function dependenciesFirst<Node>(nodes: readonly Node[], dependenciesOf: (node: Node) => readonly Node[]): Node[] {
  const among = new Set(nodes);
  return withDependencies(nodes, (node) => dependenciesOf(node).filter((dependency) => among.has(dependency)));
}

/** The nodes and everything they depend on, however far, each after what it depends on. */
export function withDependencies<Node>(nodes: readonly Node[], dependenciesOf: (node: Node) => readonly Node[]): Node[] {
  const ordered = new Set<Node>();
  const visit = (node: Node): void => {
    if (ordered.has(node)) return;
    for (const dependency of dependenciesOf(node)) visit(dependency);
    ordered.add(node);
  };
  nodes.forEach(visit);
  return [...ordered];
}

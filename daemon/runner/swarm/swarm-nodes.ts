import type { SwarmNode, SwarmTask } from './swarm-shapes.js';

/** The machines of a swarm: how they are called, where they answer, and whether they are there. */
export class SwarmNodes {
  private readonly byId: ReadonlyMap<string, SwarmNode>;
  private readonly shared: ReadonlySet<string>;

  constructor(nodes: readonly SwarmNode[]) {
    this.byId = new Map(nodes.map((node) => [node.ID, node]));
    const names = nodes.map(({ Description }) => Description.Hostname);
    this.shared = new Set(names.filter((name, index) => names.indexOf(name) !== index));
  }

  /** Its host name; where several have the same, with the address. Null: the task has no node yet. */
  nameOf({ NodeID: id }: Pick<SwarmTask, 'NodeID'>): string | null {
    if (id === undefined || id === '') return null;
    const node = this.byId.get(id);
    if (node === undefined) return id.slice(0, 12);
    const name = node.Description.Hostname;
    return this.shared.has(name) ? `${name}@${addressOf(node)}` : name;
  }

  addressOf({ NodeID: id }: Pick<SwarmTask, 'NodeID'>): string | null {
    const node = this.byId.get(id ?? '');
    return node === undefined ? null : addressOf(node);
  }

  /** Whether the swarm has lost the node of a task. */
  isLost({ NodeID: id }: Pick<SwarmTask, 'NodeID'>): boolean {
    const state = this.byId.get(id ?? '')?.Status.State;
    return state === 'down' || state === 'disconnected';
  }

  get count(): number {
    return this.byId.size;
  }
}

/** A manager may call itself 0.0.0.0; what it advertises to others is what proxies can reach, too. */
function addressOf({ Status: { Addr: address = '' }, ManagerStatus: manager }: SwarmNode): string {
  const advertised = manager?.Addr?.replace(/:\d+$/, '').replace(/^\[|\]$/g, '');
  return address === '' || address === '0.0.0.0' || address === '::' || (address.startsWith('127.') && advertised !== undefined) ? advertised ?? '127.0.0.1' : address;
}

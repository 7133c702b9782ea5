import { execFileSync } from 'node:child_process';
import { SwarmNode, type Plug } from './swarm-node.js';

/** Real Docker engines joined to a swarm over cables that can be pulled. The first one is its manager. */
export class SwarmNodes {
  private readonly nodes: SwarmNode[] = [];
  private readonly id = `${process.pid.toString(36)}${Math.random().toString(36).slice(2, 5)}`;
  private readonly bridge = `hb${this.id}`;
  private readonly subnet = `10.${200 + Math.floor(Math.random() * 50)}.${Math.floor(Math.random() * 250)}`;

  /** `joined` false: engines that could be a swarm, and are none until `form`. */
  static async start(names: readonly string[], joined = true): Promise<SwarmNodes> {
    const swarm = new SwarmNodes();
    ip('link', 'add', swarm.bridge, 'type', 'bridge');
    ip('address', 'add', `${swarm.subnet}.254/24`, 'dev', swarm.bridge);
    ip('link', 'set', swarm.bridge, 'up');
    const plugs = names.map((name, index) => swarm.plug(name, index + 1));
    swarm.nodes.push(...(await Promise.all(plugs.map((plug) => SwarmNode.start(plug)))));
    if (joined) swarm.form();
    return swarm;
  }

  get manager(): SwarmNode {
    return this.nodes[0] as SwarmNode;
  }

  node(name: string): SwarmNode {
    const node = this.nodes.find(({ plug }) => plug.name === name);
    if (node === undefined) throw new Error(`There is no node ${name}.`);
    return node;
  }

  /** What a power cut is to a machine: its cable is dead, and so is everything on it. */
  async lose(name: string): Promise<void> {
    const node = this.node(name);
    ip('link', 'set', node.plug.cable, 'nomaster');
    await node.killAll();
  }

  async end(): Promise<void> {
    await Promise.all(this.nodes.map(async (node) => {
      await node.killAll();
      node.remove();
      ip('link', 'delete', node.plug.cable);
      ip('netns', 'delete', node.plug.namespace);
    }));
    ip('link', 'delete', this.bridge);
  }

  private plug(name: string, index: number): Plug {
    const namespace = `hive-${this.id}-${name}`;
    const cable = `hv${this.id}${index}`;
    const address = `${this.subnet}.${index}`;
    const inside = (...words: string[]): void => void execFileSync('nsenter', [`--net=/run/netns/${namespace}`, 'ip', ...words]);
    ip('netns', 'add', namespace);
    ip('link', 'add', cable, 'type', 'veth', 'peer', 'name', 'cable', 'netns', namespace);
    ip('link', 'set', cable, 'master', this.bridge, 'up');
    inside('link', 'set', 'lo', 'up');
    inside('address', 'add', `${address}/24`, 'dev', 'cable');
    inside('link', 'set', 'cable', 'up');
    inside('route', 'add', 'default', 'via', `${this.subnet}.254`);
    return { name, address, namespace, cable };
  }

  form(): void {
    const { manager, nodes } = this;
    const { address } = manager.plug;
    // Three silences of the usual five seconds are 15 s until a node counts as lost: long for a test.
    manager.docker('swarm', 'init', '--advertise-addr', address, '--listen-addr', `${address}:2377`, '--dispatcher-heartbeat', '1s');
    const token = manager.docker('swarm', 'join-token', '-q', 'worker');
    for (const node of nodes.slice(1)) node.docker('swarm', 'join', '--token', token, '--advertise-addr', node.plug.address, `${address}:2377`);
  }
}

function ip(...words: string[]): void {
  execFileSync('ip', words, { stdio: ['ignore', 'ignore', 'inherit'] });
}

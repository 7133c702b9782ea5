import { request } from 'node:http';
import { engineSocket } from '../../shared/engines/engine-sockets.js';
import type { Service } from '../../shared/protocol/results.js';
import { error, fine, note, type Finding } from './finding.js';

interface SwarmInfo {
  readonly LocalNodeState?: string;
  readonly ControlAvailable?: boolean;
  readonly Nodes?: number;
}

/** Whether Docker speaks for a swarm; nothing where Docker does not answer, which is a finding of its own. `socket`: where the daemon looks. */
export async function checkSwarm(services: readonly Service[], socket = engineSocket('swarm', null, process.env)): Promise<Finding[]> {
  const swarm = await askForSwarm(socket);
  if (swarm === null) return [];
  const wanting = services.filter(({ runner }) => runner === 'swarm').map(({ fqn }) => fqn);
  if (swarm.ControlAvailable === true) return [fine(`docker manages a swarm of ${swarm.Nodes ?? 1} ${swarm.Nodes === 1 ? 'node' : 'nodes'}`)];
  const { what, mend } = trouble(swarm.LocalNodeState ?? 'inactive', socket);
  if (wanting.length === 0) return [note(`${what}; no service needs a swarm.`, mend)];
  return [error(`${what}, and ${wanting.slice(0, 3).join(', ')}${wanting.length > 3 ? ' and others' : ''} cannot run without one.`, mend)];
}

function trouble(state: string, socket: string): { what: string; mend: string } {
  switch (state) {
    case 'inactive':
      return { what: `docker at ${socket} is part of no swarm`, mend: 'docker swarm init' };
    case 'active':
      return { what: `docker at ${socket} is a worker of its swarm and takes no orders`, mend: 'docker node promote, on a manager' };
    case 'locked':
      return { what: `the swarm of docker at ${socket} is locked`, mend: 'docker swarm unlock' };
    default:
      return { what: `the swarm of docker at ${socket} is ${state}`, mend: 'docker node ls, on any manager' };
  }
}

/** Null: nobody answers there, or nobody who knows what a swarm is. */
function askForSwarm(socket: string): Promise<SwarmInfo | null> {
  const tcp = /^(?:tcp|http):\/\/([^:/]+):(\d+)/.exec(socket);
  return new Promise((resolve) => {
    const asked = request({ path: '/info', agent: false, timeout: 2_000, ...(tcp === null ? { socketPath: socket } : { host: tcp[1], port: tcp[2] }) }, (answer) => {
      let text = '';
      answer.setEncoding('utf8').on('data', (part: string) => { text += part; });
      answer.once('error', () => resolve(null));
      answer.once('end', () => {
        try {
          resolve((JSON.parse(text) as { Swarm?: SwarmInfo }).Swarm ?? null);
        } catch {
          resolve(null);
        }
      });
    });
    asked.once('timeout', () => asked.destroy());
    asked.once('error', () => resolve(null));
    asked.end();
  });
}

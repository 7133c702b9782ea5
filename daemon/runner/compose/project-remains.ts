import { saidBy, statusOf } from '../docker/engine-error.js';
import type { EngineConnection } from '../docker/engine-connection.js';
import { composesOwn } from './compose-labels.js';

/** Takes away what compose made: containers with their anonymous volumes, and a project's networks with its last container. Named volumes are the user's data, and stay. */
export class ProjectRemains {
  constructor(private readonly connection: EngineConnection, private readonly warn: (sentence: string) => void) {}

  async remove(containers: readonly string[], project: string): Promise<void> {
    for (const container of containers) await this.removeContainer(container);
    if (project !== '') await this.removeNetworks(project);
  }

  private async removeContainer(container: string): Promise<void> {
    try {
      await this.connection.call((engine) => engine.getContainer(container).remove({ v: true, force: true }) as Promise<unknown>);
    } catch (error) {
      const status = statusOf(error);
      // 404: it is gone; 409: somebody is removing it already.
      if (status !== 404 && status !== 409) throw error;
    }
  }

  private async removeNetworks(project: string): Promise<void> {
    const ofProject = { label: [`${composesOwn.project}=${project}`] };
    const left = await this.connection.call((engine) => engine.listContainers({ all: true, filters: ofProject }));
    if (left.length > 0) return;
    const networks = await this.connection.call((engine) => engine.listNetworks({ filters: ofProject }));
    for (const { Id, Name } of networks) {
      try {
        await this.connection.call((engine) => engine.getNetwork(Id).remove() as Promise<unknown>);
      } catch (error) {
        // One that somebody else has joined meanwhile is theirs by now.
        if (statusOf(error) !== 404) this.warn(`The network ${Name} of compose could not be removed: ${saidBy(error)}`);
      }
    }
  }
}

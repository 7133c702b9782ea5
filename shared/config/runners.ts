import { resolve } from 'node:path';
import { z } from 'zod';
import { command, environmentName, flag, oneOrMany, text, texts, typed } from './schema-parts.js';
import type { RunnerSpec } from './service-spec.js';

export const scriptRunnerFields = {
  run: text().describe('The command or script; a first line #! chooses the interpreter.'),
  working_dir: text().prefault('.').describe('The folder to run in, relative to the project root.'),
  shell: text().prefault('/bin/sh').describe('The shell that gets `run` after -c.'),
};

const security = z.strictObject({
  cap_add: z.array(text()).prefault([]).describe('Linux capabilities to add.'),
  cap_drop: z.array(text()).prefault([]).describe('Linux capabilities to drop.'),
  privileged: flag().prefault(false).describe('Gives the container every right of the host.'),
});

export const containerRunnerFields = {
  image: text().describe('The image, such as postgres:17.'),
  command: command().optional().describe('Instead of the image\'s command.'),
  entrypoint: command().optional().describe('Instead of the image\'s entry point.'),
  ports: z.array(text()).prefault([]).describe('Published ports, host:container, such as "{{runtime.port.http}}:8080".'),
  volumes: z.array(text()).prefault([]).describe('Volumes and bind mounts, source:target[:ro].'),
  environment: texts(environmentName()).prefault({}).describe('Variables for this container alone, above all others.'),
  container_name: text().optional().describe('Instead of the name that Hive makes.'),
  network: text().optional().describe('The network to join.'),
  user: text().optional().describe('The user inside the container.'),
  pull: z.enum(['missing', 'always', 'never']).prefault('missing').describe('When to pull the image.'),
  security: security.prefault({}).describe('Capabilities and privileges.'),
  labels: texts(text()).prefault({}).describe('Labels beside those that Hive sets.'),
  socket: text().optional().describe('The engine\'s socket, if not its usual one.'),
};

export const composeRunnerFields = {
  file: text().prefault('docker-compose.yml').describe('The compose file, relative to the project root.'),
  service: text().optional().describe('One service of that file; without it, all of them.'),
  project: text().optional().describe('The compose project\'s name, instead of one that Hive makes.'),
  socket: text().optional().describe('The engine\'s socket, if not its usual one.'),
  command: command().optional().describe('What a hook runs instead of the service\'s own command.'),
};

export const swarmRunnerFields = {
  image: text().describe('The image, from a registry that every node reaches.'),
  command: command().optional().describe('Instead of the image\'s command.'),
  environment: texts(environmentName()).prefault({}).describe('Variables for these tasks alone, above all others.'),
  ports: z.array(text()).prefault([]).describe('Published ports, host:container.'),
  volumes: z.array(text()).prefault([]).describe('Volumes and bind mounts, source:target[:ro].'),
  constraints: z.array(text()).prefault([]).describe('Placement constraints, such as node.role==worker.'),
  networks: oneOrMany(text()).prefault([]).describe('Overlay networks to join.'),
  secrets: z.array(text()).prefault([]).describe('Secrets of the swarm, name or name:/path in the container; /run/secrets/name by default.'),
  labels: texts(text()).prefault({}).describe('Labels beside those that Hive sets.'),
  user: text().optional().describe('The user inside the container.'),
  socket: text().optional().describe('The engine\'s socket, if not its usual one.'),
};

export const runnerSchema = typed(
  {
    script: z.strictObject(scriptRunnerFields).describe('A process of this machine.'),
    docker: z.strictObject(containerRunnerFields).describe('A container of Docker.'),
    podman: z.strictObject(containerRunnerFields).describe('A container of Podman.'),
    compose: z.strictObject(composeRunnerFields).describe('A service of a compose file.'),
    swarm: z.strictObject(swarmRunnerFields).describe('A replicated service of a Docker Swarm.'),
  },
  'What runs the service.',
);

export function normaliseRunner(runner: z.output<typeof runnerSchema>, projectRoot: string): RunnerSpec {
  switch (runner.type) {
    case 'script': {
      const { run, working_dir, shell } = runner.settings;
      return { type: 'script', run, workingDir: resolve(projectRoot, working_dir), shell: shell.startsWith('.') ? resolve(projectRoot, shell) : shell };
    }
    case 'docker':
    case 'podman': {
      const { command: instead, entrypoint, container_name, network, user, security: rights, socket, ...same } = runner.settings;
      return {
        type: runner.type,
        ...same,
        command: instead ?? null,
        entrypoint: entrypoint ?? null,
        containerName: container_name ?? null,
        network: network ?? null,
        user: user ?? null,
        security: { capAdd: rights.cap_add, capDrop: rights.cap_drop, privileged: rights.privileged },
        socket: socket ?? null,
      };
    }
    case 'compose': {
      const { file, service, project, command: instead, socket } = runner.settings;
      return { type: 'compose', file: resolve(projectRoot, file), service: service ?? null, project: project ?? null, command: instead ?? null, socket: socket ?? null };
    }
    case 'swarm': {
      const { command: instead, user, socket, ...same } = runner.settings;
      return { type: 'swarm', ...same, command: instead ?? null, user: user ?? null, socket: socket ?? null };
    }
  }
}

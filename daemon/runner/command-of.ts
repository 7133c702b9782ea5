import { isAbsolute, resolve } from 'node:path';
import { splitWords } from '../../shared/config/split-words.js';
import { resolveRuntime, type RuntimeValues } from '../../shared/config/runtime-template.js';
import type { RunnerSpec, ServiceSpec, TemplateText } from '../../shared/config/service-spec.js';
import { HiveError } from '../../shared/errors/index.js';
import { engineOf } from './engine-of.js';
import type { InstanceCommand, PublishedPort } from './instance-command.js';
import type { EngineRef } from './runner.js';
import { asService, swarmPort } from './swarm/swarm-command.js';

/** What the spec's runner is to start, with every template filled in. @throws HiveError INVALID_CONFIG for what cannot be read then */
export function commandOf(spec: Pick<ServiceSpec, 'runner' | 'projectRoot' | 'stop' | 'rollout' | 'restart' | 'healthcheck'>, values: RuntimeValues): InstanceCommand {
  const { runner, projectRoot, stop } = spec;
  const command = commandOfRunner(runner, { projectRoot, stopSignal: stop.signal, values });
  return command.type === 'swarm' ? asService(command, spec, values) : command;
}

/** As `commandOf`, of a runner that belongs to a hook. */
export function commandOfRunner(runner: RunnerSpec, { projectRoot, stopSignal, values }: { projectRoot: string; stopSignal: NodeJS.Signals; values: RuntimeValues }): InstanceCommand {
  const fill = (text: TemplateText): string => resolveRuntime(text, values);
  const fillAny = (text: TemplateText | null): string | null => (text === null ? null : fill(text));
  const words = (command: readonly TemplateText[] | TemplateText | null): string[] | null => {
    if (command === null) return null;
    return typeof command === 'string' ? splitWords(command).map(fill) : command.map(fill);
  };
  const ports = (texts: readonly TemplateText[]): PublishedPort[] => texts.map((text) => publishedPort(fill(text)));
  const volumes = (texts: readonly TemplateText[]): string[] => texts.map((text) => volumeOf(fill(text), projectRoot));
  const labels = (texts: Readonly<Record<string, TemplateText>>): Record<string, string> => Object.fromEntries(Object.entries(texts).map(([name, text]) => [name, fill(text)]));
  switch (runner.type) {
    case 'script':
      return { type: 'script', run: fill(runner.run), shell: runner.shell };
    case 'docker':
    case 'podman':
      return {
        type: runner.type,
        engine: engineOf(runner) as EngineRef,
        image: fill(runner.image),
        command: words(runner.command),
        entrypoint: words(runner.entrypoint),
        ports: ports(runner.ports),
        volumes: volumes(runner.volumes),
        containerName: fillAny(runner.containerName),
        network: fillAny(runner.network),
        user: fillAny(runner.user),
        pull: runner.pull,
        security: runner.security,
        labels: labels(runner.labels),
        stopSignal,
      };
    case 'compose':
      return {
        type: 'compose', engine: engineOf(runner) as EngineRef,
        file: runner.file, service: runner.service, project: runner.project, command: words(runner.command), stopSignal,
      };
    case 'swarm':
      return {
        type: 'swarm',
        engine: engineOf(runner) as EngineRef,
        image: fill(runner.image),
        command: words(runner.command),
        ports: runner.ports.map((text) => swarmPort(text, fill)),
        volumes: volumes(runner.volumes),
        constraints: runner.constraints.map(fill),
        networks: runner.networks.map(fill),
        secrets: runner.secrets.map(fill),
        labels: labels(runner.labels),
        user: fillAny(runner.user),
        stopSignal,
        upkeep: null,
      };
  }
}

/** What a runner adds to the environment of its service alone, above all other layers. */
export function runnerEnvironment(runner: RunnerSpec, values: RuntimeValues): Record<string, string> {
  switch (runner.type) {
    case 'script':
    case 'compose':
      return {};
    case 'docker':
    case 'podman':
    case 'swarm':
      return Object.fromEntries(Object.entries(runner.environment).map(([name, text]) => [name, resolveRuntime(text, values)]));
  }
}

const portForm = /^(?:(?<address>\d{1,3}(?:\.\d{1,3}){3}|\[[0-9a-fA-F:]+\]):)?(?<host>\d{1,5}):(?<container>\d{1,5})(?:\/(?<protocol>tcp|udp|sctp))?$/;

/** `8080:80`, `127.0.0.1:8080:80/udp`. */
export function publishedPort(text: string): PublishedPort {
  const { address, host, container, protocol } = portForm.exec(text.trim())?.groups ?? {};
  const numbers = [Number(host), Number(container)];
  if (host === undefined || numbers.some((port) => port < 1 || port > 65_535)) {
    throw new HiveError('INVALID_CONFIG', `"${text}" is no published port.`, { next: 'Write host:container, such as "{{runtime.port.http}}:8080", or 127.0.0.1:8080:80/udp.' });
  }
  return {
    hostAddress: address?.replace(/^\[|\]$/g, '') ?? null,
    hostPort: Number(host),
    containerPort: Number(container),
    protocol: (protocol ?? 'tcp') as PublishedPort['protocol'],
  };
}

/** A source that begins with `.` is a path below the project root; without a slash it names a volume of the engine. */
function volumeOf(text: string, projectRoot: string): string {
  const [source = '', ...rest] = text.split(':');
  if (rest.length === 0 || isAbsolute(source) || !/^\.{1,2}(\/|$)/.test(source)) return text;
  return [resolve(projectRoot, source), ...rest].join(':');
}

import type { ContainerCreateOptions, HostConfig } from 'dockerode';
import type { LimitsSpec } from '../../../shared/config/service-spec.js';
import type { ContainerCommand } from '../instance-command.js';
import type { Flavour } from './flavour.js';

/** What the engine is told when a container is made. Pure. The environment is visible in `inspect`; labels and words hold none of it. */
export function containerOptions(
  command: ContainerCommand,
  facts: { name: string; labels: Record<string, string>; environment: Readonly<Record<string, string>>; limits: Partial<LimitsSpec>; flavour: Flavour },
): ContainerCreateOptions {
  const { image, user, security, stopSignal, network } = command;
  const { name, labels, environment, limits, flavour } = facts;
  const host: HostConfig = {
    RestartPolicy: { Name: 'no', MaximumRetryCount: 0 },
    LogConfig: { Type: flavour.logDriver.Type, Config: { ...flavour.logDriver.Config } },
    Binds: command.volumes.filter((volume) => volume.includes(':')),
    PortBindings: portBindings(command),
    CapAdd: [...security.capAdd],
    CapDrop: [...security.capDrop],
    Privileged: security.privileged,
    ...(network === null ? {} : { NetworkMode: network }),
    ...limitsOf(limits),
  };
  return {
    name,
    Image: image,
    Labels: labels,
    Env: Object.entries(environment).map(([key, value]) => `${key}=${value}`),
    StopSignal: stopSignal,
    AttachStdin: false,
    Tty: false,
    ...(command.command === null ? {} : { Cmd: [...command.command] }),
    ...(command.entrypoint === null ? {} : { Entrypoint: [...command.entrypoint] }),
    ...(user === null ? {} : { User: user }),
    ExposedPorts: Object.fromEntries(Object.keys(host.PortBindings as object).map((port) => [port, {}])),
    Volumes: Object.fromEntries(command.volumes.filter((volume) => !volume.includes(':')).map((folder) => [folder, {}])),
    HostConfig: host,
  };
}

function portBindings({ ports }: ContainerCommand): Record<string, { HostIp: string; HostPort: string }[]> {
  const bindings: Record<string, { HostIp: string; HostPort: string }[]> = {};
  for (const { hostAddress, hostPort, containerPort, protocol } of ports) {
    (bindings[`${containerPort}/${protocol}`] ??= []).push({ HostIp: hostAddress ?? '', HostPort: String(hostPort) });
  }
  return bindings;
}

function limitsOf({ memoryBytes, cpu, openFiles }: Partial<LimitsSpec>): HostConfig {
  return {
    // Without the second an instance would swap as much again.
    ...(typeof memoryBytes === 'number' ? { Memory: memoryBytes, MemorySwap: memoryBytes } : {}),
    ...(typeof cpu === 'number' ? { NanoCpus: Math.round(cpu * 1e9) } : {}),
    ...(typeof openFiles === 'number' ? { Ulimits: [{ Name: 'nofile', Soft: openFiles, Hard: openFiles }] } : {}),
  };
}

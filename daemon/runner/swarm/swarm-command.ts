import { resolveRuntime, type RuntimeValues } from '../../../shared/config/runtime-template.js';
import type { HealthCheckSpec, RolloutSpec, ServiceSpec, TemplateText } from '../../../shared/config/service-spec.js';
import { HiveError } from '../../../shared/errors/index.js';
import type { SwarmCommand, SwarmPort, SwarmUpkeep } from '../instance-command.js';

const portForm = /^(?:(?<published>\d{1,5}):)?(?<target>\d{1,5})(?:\/(?<protocol>tcp|udp|sctp))?$/;
const named = /^\s*\{\{\s*runtime\.port\.(?<name>[^{}\s]+)\s*\}\}:/;

/** A published port of a swarm: `{{runtime.port.http}}:8080`, `8080:80`, or `80` alone for any number that a node has free. */
export function swarmPort(text: TemplateText, fill: (text: TemplateText) => string): SwarmPort {
  const { published, target, protocol } = portForm.exec(fill(text).trim())?.groups ?? {};
  const numbers = [Number(published ?? 1), Number(target)];
  if (target === undefined || numbers.some((port) => port < 1 || port > 65_535)) {
    throw new HiveError('INVALID_CONFIG', `"${text}" is no published port of a swarm.`, {
      next: 'Write host:container, such as "{{runtime.port.http}}:8080"; a swarm publishes on all addresses of its nodes.',
    });
  }
  return { name: named.exec(text)?.groups?.['name'] ?? null, published: published === undefined ? null : Number(published), target: Number(target), protocol: (protocol ?? 'tcp') as SwarmPort['protocol'] };
}

/** What a swarm sees to by itself for a service: restarts, checks by command, and numbers of ports that are `auto`. */
export function asService(command: SwarmCommand, spec: Pick<ServiceSpec, 'rollout' | 'restart' | 'healthcheck' | 'stop'>, values: RuntimeValues): SwarmCommand {
  const upkeep: SwarmUpkeep = {
    restart: spec.restart,
    graceMs: spec.stop.graceMs,
    check: oneCheck(spec.healthcheck, values),
    probed: spec.healthcheck.some(({ type }) => type !== 'cmd'),
    stride: spec.rollout.type === 'blue-green' ? 2 : 1,
  };
  return { ...command, ports: command.ports.map((port) => (port.name !== null && isAuto(spec.rollout, port.name) ? { ...port, published: null } : port)), upkeep };
}

function isAuto(rollout: RolloutSpec, name: string): boolean {
  if (rollout.type === 'blue-green') return rollout.ports[name]?.blue === 'auto';
  return rollout.ports[name] === 'auto';
}

/** An engine makes one check a container: several are one that passes when all do. */
function oneCheck(checks: readonly HealthCheckSpec[], values: RuntimeValues): SwarmUpkeep['check'] {
  const commands = checks.flatMap((check) => (check.type === 'cmd' ? [check] : []));
  const [first] = commands;
  if (first === undefined) return null;
  const texts = commands.map(({ command }) => resolveRuntime(command, values));
  return {
    command: texts.length === 1 ? (texts[0] ?? '') : texts.map((text) => `(${text}\n)`).join(' && '),
    intervalMs: Math.min(...commands.map(({ intervalMs }) => intervalMs)),
    timeoutMs: commands.reduce((sum, { timeoutMs }) => sum + timeoutMs, 0),
    retries: Math.max(...commands.map(({ retries }) => retries)),
    startPeriodMs: Math.max(...commands.map(({ startPeriodMs }) => startPeriodMs)),
  };
}

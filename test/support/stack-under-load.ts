import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Load } from '../../examples/deploys/load/load.js';
import type { Kind } from '../../examples/deploys/load/exchanges.js';
import { packageRoot } from '../../shared/package-root.js';
import { commandOf, readProcessTable } from '../../shared/process/proc-table.js';
import { isGone } from '../../shared/process/process-row.js';
import { freePort } from './free-port.js';
import { markedInProc } from './marked-in-proc.js';
import { TestHive } from './test-hive.js';
import { until } from './until.js';

const strategies = {
  'blue-green': '{type: blue-green, blue-green: {ports: {http: {blue: auto, green: auto}}, healthy_duration: 50ms, timeout: 30s}}',
  rolling: '{type: rolling, rolling: {ports: {http: auto}}}',
} as const;
export type Strategy = keyof typeof strategies;

/** Clients of every kind, few enough for a machine with two cores to do much else meanwhile. */
export const everyKind: Record<Kind, number> = { request: 3, connection: 2, download: 2, upload: 1, events: 1, websocket: 2 };

export interface StackOptions { readonly strategy: Strategy; readonly workers?: number; readonly drain?: string; readonly grace?: string; readonly hooks?: string }

/**
 * The service of examples/deploys behind the proxy of a daemon of its own. It dies of SIGTERM on the spot, so that
 * whatever it has under way then is lost and counted.
 */
export class StackUnderLoad {
  private version = 0;

  private constructor(readonly hive: TestHive, readonly port: number, readonly folder: string, private readonly yamlOf: (version: number, extra?: Record<string, string>) => string) {}

  static async started({ strategy, workers = 1, drain = '30s', grace = '10s', hooks = '{}' }: StackOptions): Promise<StackUnderLoad> {
    const hive = new TestHive();
    const port = await freePort();
    setFrontDoor(hive, [port], { workers, drain });
    await hive.start();
    const yamlOf = (version: number, extra?: Record<string, string>): string => yaml(strategy, grace, hooks, version, extra);
    const stack = new StackUnderLoad(hive, port, await hive.addSource('app', yamlOf(0)), yamlOf);
    await hive.client.startSource({ name: 'app' });
    await hive.serviceWhen('app:web', ({ healthy }) => healthy === true);
    await stack.proxyListens();
    return stack;
  }

  /** Where the front door listens, and the settings of the proxy. */
  setFrontDoor(ports: readonly number[], settings: Record<string, unknown>): void {
    setFrontDoor(this.hive, ports, settings);
  }

  load(clients: Partial<Record<Kind, number>> = everyKind): Load {
    return new Load(this.port, clients);
  }

  /** Begins a deploy of the next version; `extra`: more of the service's environment. */
  async begin(extra: Record<string, string> = {}): Promise<number> {
    this.version += 1;
    writeFileSync(join(this.folder, '.adi/hive.yaml'), this.yamlOf(this.version, extra));
    await this.hive.client.reloadSource({ name: 'app' });
    return this.version;
  }

  async finished(): Promise<void> {
    await this.hive.client.waitForService({ fqn: 'app:web', for: 'deployed', timeoutMs: 60_000 }, { deadlineMs: 65_000 });
  }

  async deploy(): Promise<void> {
    await this.begin();
    await this.finished();
  }

  async proxyListens(): Promise<void> {
    await until(async () => ((await this.hive.client.status()).proxy.length > 0 ? true : undefined), 'the proxy to listen');
  }

  /** The version that answers now. */
  async answer(): Promise<string> {
    return (await fetch(`http://127.0.0.1:${this.port}/`)).text();
  }

  async proxyPlugin(): Promise<number> {
    return until(async () => {
      const proxy = (await this.hive.client.listPlugins()).plugins.find(({ id }) => id === 'proxy');
      return proxy?.state === 'ready' ? proxy.pid ?? undefined : undefined;
    }, 'the proxy plugin to be ready');
  }

  async pluginHost(): Promise<number> {
    return until(() => [...readProcessTable().values()].find((row) => row.parentPid === this.hive.pid && !isGone(row) && commandOf(row, 1_000).includes('plugin-host/main.js'))?.pid, 'the plugin host to run');
  }

  /** The processes that serve requests. */
  workers(): number[] {
    return markedInProc(`"folder":"${join(this.hive.home, 'plugin-data/proxy/front-door')}"`).flatMap((line) => (line.includes('front-door/worker.js') && !line.includes('/bin/sh') ? [Number.parseInt(line)] : []));
  }
}

function setFrontDoor({ home }: TestHive, ports: readonly number[], settings: Record<string, unknown>): void {
  const bind = ports.map((port) => `127.0.0.1:${port}`);
  writeFileSync(join(home, 'hive.yaml'), `version: "1"\nproxy: ${JSON.stringify({ bind })}\nplugins: ${JSON.stringify({ proxy: settings })}\nservices: {}\n`);
}

function yaml(strategy: Strategy, grace: string, hooks: string, version: number, extra: Record<string, string> = {}): string {
  return `
version: "1"
services:
  web:
    runner: {type: script, script: {run: "exec node ${join(packageRoot(), 'examples/deploys/src/server.js')}"}}
    environment: {static: ${JSON.stringify({ VERSION: `v${version}`, ...extra })}}
    rollout: ${strategies[strategy]}
    proxy: {path: /}
    healthcheck: {type: http, http: {path: /health, interval: 1s}}
    hooks: ${hooks}
    instances: 2
    stop: {grace: ${grace}}
    restart: {policy: always, delay: 50ms}
`;
}

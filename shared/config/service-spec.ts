/**
 * What a source and its services are once every default is filled in: the daemon's, the plugins' and the client's common
 * picture. Plain types, nothing at run time.
 *
 * Durations are milliseconds and end in `Ms`; sizes are bytes and end in `Bytes`; shares (80%) are fractions (0.8). Paths
 * are absolute. A `TemplateText` may hold `{{runtime.port.x}}` and `{{uses.y.port.z}}`; `resolveRuntime` fills them in
 * when an instance starts. Everything is frozen.
 */
export type TemplateText = string;

/** A whole source, as the last good reading of it says. */
export interface SourceSpec {
  readonly name: string;
  readonly projectRoot: string;
  readonly services: readonly ServiceSpec[];
  /** Where the front door listens; only the default source may say so, null elsewhere. */
  readonly proxy: ProxyListenSpec | null;
  readonly environment: EnvironmentSpec;
  readonly hooks: HooksSpec;
  readonly observability: { readonly resourceIntervalMs: number };
  /** Settings of core plugins by name, each checked by the plugin itself. */
  readonly plugins: Readonly<Record<string, PluginSettings>>;
}

export interface ProxyListenSpec {
  /** `host:port`, such as `127.0.0.1:8080`. */
  readonly bind: readonly string[];
}

export type PluginSettings = Readonly<Record<string, unknown>> & { readonly enabled?: boolean };

export interface ServiceSpec {
  readonly source: string;
  readonly name: string;
  /** `source:name`. */
  readonly fqn: string;
  readonly projectRoot: string;
  readonly runner: RunnerSpec;
  readonly rollout: RolloutSpec;
  readonly proxy: readonly RouteSpec[];
  readonly healthcheck: readonly HealthCheckSpec[];
  readonly dependsOn: readonly DependencySpec[];
  /** What the service declares itself and what its source declares for all; `resolveEnvironment` merges them. */
  readonly environment: { readonly service: EnvironmentSpec; readonly source: EnvironmentSpec };
  readonly build: BuildSpec | null;
  readonly restart: RestartSpec;
  readonly hooks: HooksSpec;
  readonly expose: ExposeSpec | null;
  readonly uses: readonly UseSpec[];
  readonly instances: number;
  readonly scale: ScaleSpec | null;
  readonly stop: StopSpec;
  readonly limits: LimitsSpec | null;
  readonly logs: LogsSpec;
  readonly labels: Readonly<Record<string, string>>;
  /** SHA-256 (hex) over everything above: equal hashes mean that nothing has to be done. */
  readonly specHash: string;
  /** SHA-256 (hex) over what a running instance is made of: equal hashes mean that it may keep running. */
  readonly instanceHash: string;
}

export type RunnerSpec = ScriptRunnerSpec | ContainerRunnerSpec | ComposeRunnerSpec | SwarmRunnerSpec;
export type RunnerType = RunnerSpec['type'];

export interface ScriptRunnerSpec {
  readonly type: 'script';
  /** Handed to the shell as one argument; a first line `#!` names the interpreter instead. */
  readonly run: TemplateText;
  readonly workingDir: string;
  readonly shell: string;
}

export type PullPolicy = 'missing' | 'always' | 'never';

export interface ContainerRunnerSpec {
  readonly type: 'docker' | 'podman';
  readonly image: TemplateText;
  readonly command: readonly TemplateText[] | TemplateText | null;
  readonly entrypoint: readonly TemplateText[] | TemplateText | null;
  /** `host:container`, as in `{{runtime.port.http}}:8080`. */
  readonly ports: readonly TemplateText[];
  readonly volumes: readonly TemplateText[];
  readonly environment: Readonly<Record<string, TemplateText>>;
  readonly containerName: TemplateText | null;
  readonly network: TemplateText | null;
  readonly user: TemplateText | null;
  readonly pull: PullPolicy;
  readonly security: { readonly capAdd: readonly string[]; readonly capDrop: readonly string[]; readonly privileged: boolean };
  readonly labels: Readonly<Record<string, TemplateText>>;
  /** The engine's socket; null: the engine's usual one. */
  readonly socket: string | null;
}

export interface ComposeRunnerSpec {
  readonly type: 'compose';
  readonly file: string;
  /** Null: all services of the file. */
  readonly service: string | null;
  readonly project: string | null;
  /** What a hook runs instead of the service's own command. */
  readonly command: readonly TemplateText[] | TemplateText | null;
  readonly socket: string | null;
}

export interface SwarmRunnerSpec {
  readonly type: 'swarm';
  readonly image: TemplateText;
  readonly command: readonly TemplateText[] | TemplateText | null;
  readonly environment: Readonly<Record<string, TemplateText>>;
  readonly ports: readonly TemplateText[];
  readonly volumes: readonly TemplateText[];
  readonly constraints: readonly TemplateText[];
  readonly networks: readonly TemplateText[];
  /** `name` or `name:/path`, of secrets that the swarm has. */
  readonly secrets: readonly TemplateText[];
  readonly labels: Readonly<Record<string, TemplateText>>;
  readonly user: TemplateText | null;
  readonly socket: string | null;
}

/** A port of the host: its number, or `auto` for one that Hive allocates and keeps. */
export type HostPort = number | 'auto';

export type RolloutSpec =
  | { readonly type: 'recreate'; readonly ports: Readonly<Record<string, HostPort>> }
  | {
      readonly type: 'blue-green';
      readonly ports: Readonly<Record<string, { readonly blue: HostPort; readonly green: HostPort }>>;
      readonly healthyDurationMs: number;
      readonly timeoutMs: number;
      readonly onFailure: 'keep-old' | 'abort';
    }
  | {
      readonly type: 'rolling';
      readonly ports: Readonly<Record<string, HostPort>>;
      readonly maxUnavailable: number;
      readonly maxSurge: number;
      /** abort: a deploy that fails stops the service. */
      readonly onFailure: 'keep-old' | 'abort';
    };

export interface RouteSpec {
  /** Lower case, without a port; null: any host. */
  readonly host: string | null;
  /** Starts with `/`; no trailing slash except for `/` itself. */
  readonly path: string;
  /** The name of one of the service's ports. */
  readonly port: string;
  readonly stripPrefix: boolean;
  readonly timeoutMs: number;
  readonly headers: { readonly add: Readonly<Record<string, TemplateText>>; readonly remove: readonly string[] };
}

interface HealthCheckTiming {
  readonly intervalMs: number;
  readonly timeoutMs: number;
  /** Failures in a row that make the service unhealthy. */
  readonly retries: number;
  /** Failures do not count for this long after a start. */
  readonly startPeriodMs: number;
}

export type HealthCheckSpec = HealthCheckTiming &
  (
    | {
        readonly type: 'http';
        /** The name of one of the service's ports. */
        readonly port: string;
        readonly path: TemplateText;
        readonly method: string;
        readonly status: StatusRange;
      }
    | { readonly type: 'tcp'; readonly port: string }
    | { readonly type: 'cmd'; readonly command: TemplateText; readonly workingDir: string }
  );

/** Both ends are part of the range: `2xx` is {from: 200, to: 299}. */
export interface StatusRange {
  readonly from: number;
  readonly to: number;
}

export type DependencyCondition = 'healthy' | 'started' | 'completed';

export interface DependencySpec {
  /** A service of the same source. */
  readonly name: string;
  readonly condition: DependencyCondition;
  /** Restart this service after the one it depends on was restarted. */
  readonly restart: boolean;
}

export interface EnvironmentSpec {
  readonly static: Readonly<Record<string, TemplateText>>;
  /** In the order in which they are written: later beats earlier. */
  readonly providers: readonly EnvironmentProvider[];
}

export interface EnvironmentProvider {
  readonly type: 'dotenv';
  /** Later beats earlier; a missing file is an error. */
  readonly files: readonly string[];
}

export interface BuildSpec {
  readonly command: string;
  readonly workingDir: string;
  readonly when: 'missing' | 'always' | 'never';
  /** The file or folder whose presence means "built"; null: only a first start builds. */
  readonly output: string | null;
}

export type RestartPolicy = 'never' | 'on-failure' | 'always' | 'unless-stopped';

export interface RestartSpec {
  readonly policy: RestartPolicy;
  readonly delayMs: number;
  readonly maxDelayMs: number;
  readonly windowMs: number;
  /** Null: no limit. */
  readonly maxRestarts: number | null;
}

export interface HooksSpec {
  readonly preUp: readonly HookStep[];
  readonly postUp: readonly HookStep[];
  readonly preDown: readonly HookStep[];
  readonly postDown: readonly HookStep[];
}

export type HookStep =
  | {
      readonly kind: 'run';
      /** `{run: …}` is a script runner in short. */
      readonly runner: RunnerSpec;
      readonly timeoutMs: number;
      readonly onFailure: 'abort' | 'warn' | 'retry';
      readonly retries: number;
      readonly retryDelayMs: number;
      readonly environment: Readonly<Record<string, TemplateText>>;
    }
  | {
      readonly kind: 'parallel';
      readonly steps: readonly HookStep[];
      readonly timeoutMs: number;
      readonly onFailure: 'abort' | 'warn';
    };

export interface ExposeSpec {
  readonly name: string;
  readonly secret: string | null;
  readonly vars: Readonly<Record<string, TemplateText>>;
}

export interface UseSpec {
  readonly name: string;
  readonly secret: string | null;
  /** The alias in `{{uses.<alias>.port.<name>}}`; the exposed name by default. */
  readonly as: string;
  /** Their variable → ours; variables that are not named keep their name. */
  readonly vars: Readonly<Record<string, string>>;
}

export interface ScaleSpec {
  readonly min: number;
  readonly max: number;
  readonly cpuUp: number;
  readonly cpuDown: number;
  /** Of one instance. `memoryUpBytes` null: memory does not count. */
  readonly memoryUpBytes: number | null;
  readonly memoryDownBytes: number | null;
  readonly cooldownUpMs: number;
  readonly cooldownDownMs: number;
}

export interface StopSpec {
  readonly signal: NodeJS.Signals;
  readonly graceMs: number;
}

export interface LimitsSpec {
  readonly memoryBytes: number | null;
  /** In cores: 1.5 is one and a half. */
  readonly cpu: number | null;
  readonly openFiles: number | null;
}

export interface LogsSpec {
  readonly maxSizeBytes: number;
  /** How many rotated files are kept beside the live one. */
  readonly maxFiles: number;
}

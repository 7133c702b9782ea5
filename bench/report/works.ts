/** Who did the work. `direct`: without a supervisor or proxy, or the plainest thing that can be compared (its name is in the row). */
export type Column = 'hive' | 'pm2' | 'supervisord' | 'runit' | 's6' | 'haproxy' | 'nginx' | 'caddy' | 'node' | 'direct';
const supervisors: readonly Column[] = ['hive', 'pm2', 'supervisord', 'runit', 's6', 'direct'];
const proxies: readonly Column[] = ['hive', 'haproxy', 'nginx', 'caddy', 'node', 'direct'];

/** There is a table for each of them. */
export const tables: readonly { readonly title: string; readonly columns: readonly Column[]; readonly works: readonly WorkName[] }[] = [
  { title: 'work', columns: supervisors, works: ['start', 'startMore', 'startGrowth', 'restart', 'memory', 'memoryPerService', 'memoryPerPlugin', 'idle', 'lines', 'callsSerial', 'callsPipelined', 'status', 'statusMore', 'events', 'cocoon', 'command'] },
  { title: 'proxy on one core: small answers, wrk -c32', columns: proxies, works: ['proxyRate', 'proxyP99', 'proxyCpu', 'proxyMemory'] },
];

export type Values = Readonly<Partial<Record<Column, number>>>;

export interface Work {
  readonly title: string;
  readonly unit: string;
  readonly digits: number;
  /** What `direct` stands for here. */
  readonly direct?: string;
  readonly goal: Goal | null;
}

export type Goal =
  /** Hive at most, or at least, so many times what the other has. */
  | { readonly kind: 'at-most-times' | 'at-least-times'; readonly times: number; readonly of: Column }
  | { readonly kind: 'at-most' | 'at-least'; readonly value: number };

/** The rows of the table, in its order. `{many}` and `{more}` stand for the numbers of services, `{lines}` for lines. */
export const works = {
  start: { title: 'start {many} services until all run', unit: 's', digits: 2, goal: { kind: 'at-most-times', times: 1, of: 's6' } },
  startMore: { title: 'start {more} services until all run', unit: 's', digits: 2, goal: null },
  startGrowth: { title: 'the latter a service, over the former a service', unit: '×', digits: 2, goal: { kind: 'at-most', value: 1.2 } },
  restart: { title: 'SIGKILL a service → new pid, median', unit: 'ms', digits: 1, goal: { kind: 'at-most-times', times: 1, of: 'runit' } },
  memory: { title: 'memory with {many} services (Hive without plugins)', unit: 'MB PSS', digits: 1, goal: { kind: 'at-most-times', times: 1.5, of: 'pm2' } },
  memoryPerService: { title: 'memory for each further service', unit: 'MB PSS', digits: 3, goal: { kind: 'at-most', value: 0.3 } },
  memoryPerPlugin: { title: 'memory of a plugin, the largest', unit: 'MB PSS', digits: 1, goal: { kind: 'at-most', value: 15 } },
  idle: { title: 'idle with {more} services', unit: '% of a core', digits: 2, goal: { kind: 'at-most', value: 1 } },
  lines: { title: '{lines} log lines until on disk', unit: 's', digits: 2, direct: 'straight to a file', goal: { kind: 'at-most-times', times: 1.2, of: 'direct' } },
  callsSerial: { title: 'smallest call, one at a time', unit: '/s', digits: 0, direct: 'bare vscode-jsonrpc', goal: { kind: 'at-least-times', times: 2, of: 'direct' } },
  callsPipelined: { title: 'smallest call, 100 at a time', unit: '/s', digits: 0, direct: 'bare vscode-jsonrpc', goal: null },
  status: { title: 'status of {many} services', unit: '/s', digits: 0, goal: { kind: 'at-least-times', times: 50, of: 'supervisord' } },
  statusMore: { title: 'status of {more} services', unit: 'ms', digits: 1, goal: { kind: 'at-most', value: 20 } },
  events: { title: 'events to one subscriber', unit: '/s', digits: 0, goal: { kind: 'at-least', value: 100_000 } },
  cocoon: { title: 'a cocoon, from WebSocket frame to success, median', unit: 'ms', digits: 1, goal: { kind: 'at-most', value: 100 } },
  proxyRate: { title: 'requests', unit: '/s', digits: 0, direct: 'straight to the backend', goal: { kind: 'at-least-times', times: 1.5, of: 'caddy' } },
  proxyP99: { title: 'p99', unit: 'ms', digits: 1, direct: 'straight to the backend', goal: { kind: 'at-most-times', times: 1, of: 'caddy' } },
  proxyCpu: { title: 'processor time a request', unit: 'µs', digits: 1, goal: null },
  proxyMemory: { title: 'memory', unit: 'MB PSS', digits: 1, goal: null },
  command: { title: 'status as a command', unit: 's', digits: 3, direct: 'node -e 0', goal: { kind: 'at-most-times', times: 0.5, of: 'pm2' } },
} as const satisfies Record<string, Work>;

export type WorkName = keyof typeof works;

export type Verdict = 'met' | 'not met' | 'cannot tell';

/** Whether Hive's value reaches the goal; `cannot tell` where one of the two is missing. */
export function judge(goal: Goal, values: Values): Verdict {
  const { hive } = values;
  if (hive === undefined) return 'cannot tell';
  switch (goal.kind) {
    case 'at-most':
      return hive <= goal.value ? 'met' : 'not met';
    case 'at-least':
      return hive >= goal.value ? 'met' : 'not met';
    case 'at-most-times':
    case 'at-least-times': {
      const other = values[goal.of];
      if (other === undefined) return 'cannot tell';
      return (goal.kind === 'at-most-times' ? hive <= goal.times * other : hive >= goal.times * other) ? 'met' : 'not met';
    }
  }
}

export function describeGoal(goal: Goal): string {
  switch (goal.kind) {
    case 'at-most':
      return `≤ ${goal.value}`;
    case 'at-least':
      return `≥ ${goal.value.toLocaleString('en')}`;
    case 'at-most-times':
      return `≤ ${goal.times} × ${goal.of}`;
    case 'at-least-times':
      return `≥ ${goal.times} × ${goal.of}`;
  }
}

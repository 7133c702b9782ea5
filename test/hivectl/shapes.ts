import type { EventFields, EventHeader, EventType, HiveEvent } from '../../shared/protocol/events.js';
import type { Instance, Service } from '../../shared/protocol/results.js';

/** A running, healthy service; tests say what is different. */
export function aService(fqn: string, different: Partial<Service> = {}): Service {
  const [source = '', name = ''] = fqn.split(':');
  return {
    fqn, source, name,
    runner: 'script', state: 'running', healthy: true, wanted: 'up', reason: 'it runs and its checks pass',
    specHash: 'abc', restarts: 0, startedAt: '2026-03-01T12:00:00.000Z', ports: {}, routes: [],
    instances: [anInstance(`${fqn}#1`)], rollout: { type: 'recreate' },
    ...different,
  };
}

export function anInstance(id: string, different: Partial<Instance> = {}): Instance {
  return { id, state: 'running', healthy: true, pid: 4711, startedAt: '2026-03-01T12:00:00.000Z', ports: {}, restarts: 0, ...different };
}

/** An event of the same day, `seq` seconds after noon. */
export function anEvent<T extends EventType>(seq: number, type: T, fields: EventFields[T], cause?: EventHeader['cause']): HiveEvent {
  const time = new Date(Date.UTC(2026, 2, 1, 12, 0, seq)).toISOString();
  return { epoch: 'e', seq, time, type, ...(cause === undefined ? {} : { cause }), ...fields } as unknown as HiveEvent;
}

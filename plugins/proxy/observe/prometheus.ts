import { durationBounds, type Figures, type ServiceFigures } from './figures.js';

/** Figures as Prometheus reads them (text format 0.0.4). */
export function prometheusText(figures: Figures): string {
  const services = Object.entries(figures.services);
  const perService = (name: string, type: string, help: string, value: (of: ServiceFigures) => number): string =>
    family(name, type, help, services.map(([service, of]) => `${name}{${label('service', service)}} ${value(of)}`));
  const single = (name: string, type: string, help: string, value: number): string => family(name, type, help, [`${name} ${value}`]);
  return [
    family('hive_proxy_requests_total', 'counter', 'Answers, by service and class of status.', services.flatMap(([service, of]) => answers(service, of))),
    family('hive_proxy_request_duration_seconds', 'histogram', 'From the first byte of a request to the last one of its answer.', services.flatMap(([service, of]) => durations(service, of))),
    perService('hive_proxy_requests_active', 'gauge', 'Requests under way, WebSockets included.', ({ active }) => active),
    perService('hive_proxy_retries_total', 'counter', 'Requests that were sent to another endpoint.', ({ retries }) => retries),
    perService('hive_proxy_ejections_total', 'counter', 'Times that an endpoint was taken out because it failed.', ({ ejections }) => ejections),
    perService('hive_proxy_cut_off_total', 'counter', 'Answers that the service did not finish.', ({ cutOff }) => cutOff),
    perService('hive_proxy_upgrades_total', 'counter', 'WebSockets opened.', ({ upgrades }) => upgrades),
    perService('hive_proxy_sent_bytes_total', 'counter', 'Bytes of bodies sent to clients.', ({ bytesOut }) => bytesOut),
    single('hive_proxy_connections', 'gauge', 'Connections of clients that are open.', figures.connections),
    single('hive_proxy_connections_total', 'counter', 'Connections of clients so far.', figures.accepted),
    single('hive_proxy_malformed_total', 'counter', 'Requests refused because of how they were written.', figures.malformed),
    single('hive_proxy_unrouted_total', 'counter', 'Requests that no route was for.', figures.unrouted),
  ].join('');
}

function family(name: string, type: string, help: string, samples: readonly string[]): string {
  return `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n${samples.map((sample) => `${sample}\n`).join('')}`;
}

function label(name: string, value: string): string {
  return `${name}="${value.replace(/\\/g, '\\\\').replace(/"/g, '\\"').replace(/\n/g, '\\n')}"`;
}

function answers(service: string, of: ServiceFigures): string[] {
  return of.answers.flatMap((count, digit) => (count === 0 ? [] : [`hive_proxy_requests_total{${label('service', service)},code="${digit}xx"} ${count}`]));
}

function durations(service: string, of: ServiceFigures): string[] {
  const name = 'hive_proxy_request_duration_seconds';
  let total = 0;
  const buckets = of.durations.map((count, index) => {
    total += count;
    return `${name}_bucket{${label('service', service)},le="${durationBounds[index] ?? '+Inf'}"} ${total}`;
  });
  return [...buckets, `${name}_sum{${label('service', service)}} ${of.durationSum}`, `${name}_count{${label('service', service)}} ${total}`];
}

import { describe, expect, it } from '@jest/globals';
import { renderStatus } from '../../hivectl/render/status-table.js';
import { plainPaint } from '../../hivectl/terminal.js';
import { aService, anInstance } from './shapes.js';

const now = Date.parse('2026-03-01T13:02:03.000Z');
const services = [
  aService('shop:web', { ports: { http: 8012 }, instances: [anInstance('shop:web#1'), anInstance('shop:web#2', { state: 'backoff' })] }),
  aService('shop:db', { state: 'failed', healthy: null, restarts: 7, reason: 'it restarted 5 times within 60 s, which is more than a sentence of any usual length can say', instances: [] }),
  aService('shop:job', { state: 'completed', healthy: null, reason: 'it ended with code 0, as it should' }),
];
const stats = [
  { fqn: 'shop:web', instance: 'shop:web#1', cpu: 0.5, memoryBytes: 30 * 2 ** 20, openFiles: 9, threads: 3, uptimeMs: 1 },
  { fqn: 'shop:web', instance: 'shop:web#2', cpu: 0.25, memoryBytes: 12 * 2 ** 20, openFiles: 9, threads: 3, uptimeMs: 1 },
];
const render = (columns: number | null) => renderStatus(services, stats, { now, columns, paint: plainPaint });

describe('the status table', () => {
  it('has a row a service, with what its instances use together', () => {
    expect(render(null)).toEqual([
      'SERVICE   STATE      HEALTH   INSTANCES  PORTS  CPU  MEMORY  UPTIME  RESTARTS  REASON',
      'shop:web  running    healthy        1/2  8012   75%   42 MB   1h 2m         0',
      `shop:db   failed                                                            7  ${services[1]?.reason ?? ''}`,
      'shop:job  completed                 1/1                                     0  it ended with code 0, as it should',
    ]);
  });

  it.each([40, 50, 60, 80, 100, 120])('fits into %d columns and keeps name and state', (columns) => {
    const lines = render(columns);
    expect(lines).toHaveLength(4);
    for (const line of lines) expect(line.length).toBeLessThanOrEqual(columns);
    expect(lines[1]).toMatch(/^shop:web {2}running/);
    expect(lines[2]).toMatch(/^shop:db {3}failed.*it restarted 5/);
  });

  it('drops the least telling columns first', () => {
    const [head = ''] = render(90);
    expect(head).toContain('HEALTH');
    expect(head).not.toContain('RESTARTS');
  });

  it('says what to do when there is nothing', () => {
    expect(renderStatus([], [], { now, columns: 80, paint: plainPaint })).toEqual([expect.stringContaining('hivectl up')]);
  });
});

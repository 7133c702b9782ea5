import { describe, expect, it } from '@jest/globals';
import { progressLine, renderProgress, type ProgressRow } from '../../hivectl/render/progress-tree.js';
import { plainPaint } from '../../hivectl/terminal.js';
import { renderWhereabouts } from '../../hivectl/render/whereabouts.js';
import { aService } from './shapes.js';

const row = (fqn: string, outcome: ProgressRow['outcome'], different: Parameters<typeof aService>[1] = {}): ProgressRow => ({
  service: aService(fqn, different), outcome, elapsedMs: 1200,
});
const render = (rows: ProgressRow[], room = { columns: 80, rows: 24 }) => renderProgress(rows, room, plainPaint);

describe('the tree of progress', () => {
  it('shows services below their sources, with the reason of what is on its way', () => {
    const rows = [
      row('shop:db', 'reached'),
      row('shop:web', null, { state: 'waiting', healthy: null, reason: 'waiting for shop:db' }),
      row('blog:job', 'not-reached', { state: 'failed', healthy: null, reason: 'it exited with code 1' }),
    ];
    expect(render(rows)).toEqual([
      'shop',
      '├─ ✔ db   healthy 1.2s',
      '└─ … web  waiting 1.2s         waiting for shop:db',
      'blog',
      '└─ ✘ job  failed 1.2s          it exited with code 1',
    ]);
  });

  it('fits the terminal: what has not arrived first, the rest as a number', () => {
    const rows = Array.from({ length: 100 }, (_, index) => row(`shop:s${index}`, index === 99 ? null : 'reached', { reason: 'x'.repeat(200) }));
    const lines = render(rows, { columns: 40, rows: 10 });
    expect(lines.length).toBeLessThan(10);
    expect(lines[1]).toContain('s99');
    expect(lines.at(-1)).toBe('… and 93 more');
    for (const line of lines) expect(line.length).toBeLessThanOrEqual(40);
  });

  it('is a line a service where nothing can be drawn', () => {
    expect(progressLine(row('shop:web', 'reached'))).toBe('shop:web  healthy after 1.2s');
    expect(progressLine(row('shop:web', 'not-reached', { state: 'failed', healthy: null, reason: 'it crashed' }))).toBe('shop:web  failed after 1.2s: it crashed');
  });
});

describe('where services are to be found', () => {
  it('is their routes, else their ports', () => {
    const services = [
      aService('shop:web', { routes: ['http://127.0.0.1:8080/'], ports: { http: 8012 } }),
      aService('shop:api', { routes: ['*/api'], ports: { http: 8013, metrics: 9000 } }),
      aService('shop:postgres', { ports: { db: 5432 } }),
      aService('shop:worker'),
      aService('shop:job', { state: 'completed', ports: { http: 1 } }),
    ];
    expect(renderWhereabouts(services)).toEqual([
      'shop:web       http://127.0.0.1:8080/',
      'shop:api       http://127.0.0.1:8013/  metrics 127.0.0.1:9000',
      'shop:postgres  127.0.0.1:5432',
    ]);
  });
});

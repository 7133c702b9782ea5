import { describe, expect, it } from '@jest/globals';
import { renderEvent } from '../../hivectl/render/event-line.js';
import { renderDaemonLogLine } from '../../hivectl/commands/daemon-logs.js';
import { renderLogLine } from '../../hivectl/render/log-line.js';
import { plainPaint } from '../../hivectl/terminal.js';
import type { HiveEvent } from '../../shared/protocol/events.js';
import { anEvent } from './shapes.js';

const now = new Date(Date.UTC(2026, 2, 1, 12, 0));
const rendered = (event: HiveEvent) => renderEvent(event, now, plainPaint).split('  ').slice(1).join('  ');
const web = { service: 'shop:web', instance: 'shop:web#1' };

describe('an event line', () => {
  it.each<[HiveEvent, string]>([
    [anEvent(1, 'daemon.started', { version: '1.0.0', pid: 7, adopted: 2 }), '#1  daemon.started  daemon 1.0.0 started as pid 7 and took over 2 running instances'],
    [anEvent(2, 'service.started', { ...web, pid: 8 }, 1), '#2  service.started  shop:web#1 runs as pid 8  (because of #1)'],
    [anEvent(3, 'service.crashed', { ...web, exitCode: null, signal: null, unknown: 'the machine restarted', restartInMs: null, lastLines: [], uptimeMs: 5, reason: 'its policy is never' }), '#3  service.crashed  shop:web#1 ended; how is not known (the machine restarted) after 0.0s; its policy is never'],
    [anEvent(4, 'service.stopped', web, { request: 'services.stop', by: 'the operator' }), '#4  service.stopped  shop:web#1 was stopped  (the operator asked for services.stop)'],
    [anEvent(5, 'service.healthChanged', { ...web, healthy: false, check: 'http', detail: 'status 500' }), '#5  service.healthChanged  shop:web#1 became unhealthy (http check: status 500)'],
    [anEvent(6, 'gap', { from: 1, to: 900 }), '#6  gap  events 1 to 900 are past retention'],
  ])('is a sentence with its cause', (event, line) => expect(rendered(event)).toBe(line));

  it('shows a type that a newer daemon sends by its fields', () => {
    const newer = { epoch: 'e', seq: 9, time: now.toISOString(), type: 'service.renamed', to: 'x' } as unknown as HiveEvent;
    expect(rendered(newer)).toBe('#9  service.renamed  to="x"');
  });
});

describe('a log line', () => {
  const line = { fqn: 'shop:web', instance: 'shop:web#2', time: now.toISOString(), stream: 'stdout' as const, level: 'info', message: '\x1b[32mok\x1b[0m' };

  it('is what the service wrote, colours included, with the prefixes asked for', () => {
    const view = { timestamps: false, now, paint: plainPaint };
    expect(renderLogLine(line, { ...view, names: 'none' })).toBe('\x1b[32mok\x1b[0m');
    expect(renderLogLine(line, { ...view, names: 'service' })).toBe('shop:web | \x1b[32mok\x1b[0m');
    expect(renderLogLine(line, { ...view, names: 'instance', timestamps: true })).toMatch(/^\d\d:\d\d:\d\d\.000 shop:web#2 \| /);
  });
});

describe('a line of the daemon log', () => {
  it('is read from its JSON', () => {
    const json = JSON.stringify({ level: 50, time: now.toISOString(), pid: 3, err: { message: 'EIO' }, service: 'shop:web', msg: 'It failed.' });
    expect(renderDaemonLogLine(json, now, plainPaint)).toMatch(/ ERROR It failed\. \(EIO\) service="shop:web"$/);
    expect(renderDaemonLogLine('no JSON \x07', now, plainPaint)).toBe('no JSON \\x07');
  });
});

import { describe, expect, it } from '@jest/globals';
import { renderStory } from '../../hivectl/render/story.js';
import { plainPaint } from '../../hivectl/terminal.js';
import { dependencyNames, unmetDependencies } from '../../hivectl/why/dependencies.js';
import { tellStory } from '../../hivectl/why/story.js';
import type { HiveEvent } from '../../shared/protocol/events.js';
import type { Service } from '../../shared/protocol/results.js';
import { aService, anEvent } from './shapes.js';

const web = { service: 'shop:web', instance: 'shop:web#1' };
const db = { service: 'shop:db', instance: 'shop:db#1' };
const asked = (request: string) => ({ request, by: 'the operator' });
const crash = (different: object = {}) => ({ exitCode: 1, signal: null, restartInMs: 1000, lastLines: ['Error: no'], uptimeMs: 3000, reason: '', ...different });

/** The sentences without their times, which depend on the time zone of the machine. */
function told(service: Service, events: readonly HiveEvent[], unmet: readonly Service[] = []): string[] {
  const now = new Date(Date.UTC(2026, 2, 1, 12, 1));
  const lines = renderStory(service, tellStory(service.fqn, events), unmet, { now, paint: plainPaint });
  return lines.map((line) => line.replace(/^ {2}\d\d:\d\d:\d\d\.\d{3} {2}/, '- '));
}

describe('why', () => {
  it('tells a crash loop once, with how often and what was written last', () => {
    const events = [
      anEvent(1, 'service.starting', { ...web, reason: '' }, asked('services.start')),
      anEvent(2, 'service.started', { ...web, pid: 10 }),
      anEvent(3, 'service.crashed', { ...web, ...crash() }),
      anEvent(4, 'service.starting', { ...web, reason: 'restart 1' }, 3),
      anEvent(5, 'service.started', { ...web, pid: 11 }),
      anEvent(6, 'service.crashed', { ...web, ...crash({ restartInMs: 2000 }) }),
    ];
    const service = aService('shop:web', { state: 'backoff', healthy: null, reason: 'it exited with code 1, 1.4 s left' });
    expect(told(service, events)).toEqual([
      'shop:web is waiting for its next restart: it exited with code 1, 1.4 s left.',
      '',
      '- the operator asked for services.start',
      '- shop:web#1 is being started: restart 1 (2 times; this was the last)',
      '- shop:web#1 runs as pid 11 (2 times; this was the last)',
      '- shop:web#1 exited with code 1 after 3.0s; restarts in 2.0s (2 times; this was the last)',
      expect.stringMatching(/^ +\| Error: no$/),
      '',
      'hivectl logs shop:web shows what it wrote; hivectl restart shop:web does not wait for the next attempt.',
    ]);
  });

  it('follows the restart of a dependent back to the crash of what it depends on', () => {
    const events = [
      anEvent(1, 'service.started', { ...db, pid: 9 }),
      anEvent(2, 'service.crashed', { ...db, ...crash({ exitCode: null, signal: 'SIGSEGV', lastLines: [] }) }),
      anEvent(3, 'service.starting', { ...db, reason: '' }, 2),
      anEvent(4, 'service.started', { ...db, pid: 12 }, 3),
      anEvent(5, 'service.starting', { ...web, reason: 'shop:db was restarted' }, 4),
      anEvent(6, 'service.started', { ...web, pid: 13 }, 5),
    ];
    const story = tellStory('shop:web', events);
    expect(story.steps.map(({ event }) => event.seq)).toEqual([2, 3, 4, 5, 6]);
    expect(story.missing).toBeNull();
    expect(told(aService('shop:web'), events).slice(2, 4)).toEqual([
      '- shop:db#1 was killed by SIGSEGV after 3.0s; restarts in 1.0s',
      '- shop:db#1 is being started',
    ]);
  });

  it('names the failed dependency and what to do', () => {
    const events = [
      anEvent(7, 'service.failed', { ...db, reason: 'it restarted 5 times within 60 s' }),
      anEvent(8, 'service.failed', { ...web, reason: 'shop:db failed' }, 7),
    ];
    const dead = aService('shop:db', { state: 'failed', healthy: null, reason: 'it restarted 5 times within 60 s' });
    const service = aService('shop:web', { state: 'failed', healthy: null, reason: 'shop:db failed' });
    expect(told(service, events, unmetDependencies(service, { depends_on: ['db'] }, [dead, service]))).toEqual([
      'shop:web is failed: shop:db failed.',
      '',
      '- Hive gave up on shop:db#1: it restarted 5 times within 60 s',
      '- Hive gave up on shop:web#1: shop:db failed',
      '',
      'It depends on:',
      '  shop:db, which is failed: it restarted 5 times within 60 s.',
      '',
      'hivectl why shop:db tells what holds it up; then hivectl start shop:web.',
    ]);
  });

  it('tells of trouble below only until it is over', () => {
    const start = [
      anEvent(1, 'service.starting', { ...web, reason: 'it is wanted up' }, asked('services.start')),
      anEvent(2, 'service.started', { ...web, pid: 10 }),
    ];
    const trouble = [
      anEvent(3, 'service.crashed', { ...db, ...crash() }),
      anEvent(4, 'service.dependencyFailed', { service: 'shop:web', dependency: 'shop:db', root: 'shop:db', reason: 'it crashed' }, 3),
    ];
    const over = [anEvent(5, 'service.dependencyRecovered', { service: 'shop:web', dependency: 'shop:db', root: 'shop:db' }, 3)];
    const chain = (events: readonly HiveEvent[]): number[] => tellStory('shop:web', events).steps.map(({ event }) => event.seq);
    expect(chain([...start, ...trouble])).toEqual([3, 4]);
    expect(chain([...start, ...trouble, ...over])).toEqual([1, 2]);
  });

  it('says who stopped it', () => {
    const events = [
      anEvent(2, 'service.started', { ...web, pid: 10 }),
      anEvent(3, 'service.stopped', { ...web, exitCode: null, signal: 'SIGTERM' }, asked('services.stop')),
    ];
    const service = aService('shop:web', { state: 'stopped', healthy: null, wanted: 'down', reason: 'it is wanted down' });
    expect(told(service, events)).toEqual([
      'shop:web is stopped: it is wanted down.',
      '',
      '- the operator asked for services.stop',
      '- shop:web#1 was stopped (by SIGTERM)',
      '',
      'hivectl start shop:web starts it.',
    ]);
  });

  it('follows a restart back to the change of the file', () => {
    const events = [
      anEvent(4, 'source.changed', { source: 'shop', revision: 2, changes: [{ service: 'shop:web', action: 'replace', fields: ['runner'] }] }),
      anEvent(5, 'service.updated', { service: 'shop:web', fields: ['runner'] }, 4),
      anEvent(6, 'service.stopped', { ...web, exitCode: 0, signal: null }, 5),
      anEvent(7, 'service.starting', { ...web, reason: 'its runner changed' }, 5),
      anEvent(8, 'service.started', { ...web, pid: 14 }, 7),
    ];
    expect(told(aService('shop:web'), events)).toEqual([
      'shop:web is running and healthy: it runs and its checks pass.',
      '',
      '- source shop changed (revision 2): shop:web (replace)',
      '- the configuration of shop:web changed: runner',
      '- shop:web#1 is being started: its runner changed',
      '- shop:web#1 runs as pid 14',
    ]);
  });

  it('says that the beginning is past what was kept, and survives causes in a circle', () => {
    expect(tellStory('shop:web', [anEvent(50, 'service.starting', { ...web, reason: '' }, 3)]).missing).toBe(3);
    const circle = [anEvent(1, 'service.starting', { ...web, reason: '' }, 2), anEvent(2, 'service.started', { ...web, pid: 1 }, 1)];
    expect(tellStory('shop:web', circle).steps).toHaveLength(2);
    expect(tellStory('shop:web', [])).toEqual({ steps: [], request: null, missing: null, since: null });
  });

  it('shows control characters of a service instead of obeying them', () => {
    const events = [anEvent(3, 'service.crashed', { ...web, ...crash({ lastLines: ['\x1b[2Jgone'] }) })];
    expect(told(aService('shop:web', { state: 'backoff' }), events).join('\n')).not.toContain('\x1b');
  });

  it('reads dependencies as they may be written', () => {
    expect(dependencyNames({ depends_on: ['a', 'b'] })).toEqual(['a', 'b']);
    expect(dependencyNames({ depends_on: { a: { condition: 'started' } } })).toEqual(['a']);
    expect(dependencyNames({})).toEqual([]);
    expect(dependencyNames(null)).toEqual([]);
    const all = [aService('s:well'), aService('s:done', { state: 'completed', healthy: null }), aService('s:ill', { healthy: false }), aService('t:ill', { healthy: false })];
    expect(unmetDependencies(aService('s:web'), { depends_on: ['well', 'done', 'ill'] }, all).map(({ fqn }) => fqn)).toEqual(['s:ill']);
  });
});

import { describe, expect, it } from '@jest/globals';
import type { Service, Stats } from '../../shared/protocol/results.js';
import { renderTop, type TopView } from '../../hivectl/render/top-screen.js';
import { plainPaint } from '../../hivectl/terminal.js';
import { firstScreen, orders, press, shownServices, type ScreenState } from '../../hivectl/top/screen-state.js';
import { aService } from './shapes.js';

const usage = (fqn: string, cpu: number, memoryBytes: number): Stats => ({ fqn, instance: `${fqn}#1`, cpu, memoryBytes, openFiles: 1, threads: 1, uptimeMs: 1 });
const services: readonly Service[] = [
  aService('shop:web', { restarts: 2, startedAt: '2026-01-01T00:00:10Z' }),
  aService('shop:api', { startedAt: '2026-01-01T00:00:00Z' }),
  aService('shop:job', { state: 'failed', reason: 'it exited with code 3', startedAt: null }),
];
const stats = [usage('shop:web', 0.1, 5), usage('shop:web', 0.1, 5), usage('shop:api', 0.15, 100)];

/** Presses keys one after the other; a text of one character is typed, a longer one is a key's name. */
function pressed(keys: readonly string[], from: ScreenState = firstScreen): { state: ScreenState; effects: unknown[] } {
  const effects: unknown[] = [];
  const state = keys.reduce((now, name) => {
    const { state: next, effect } = press(now, { name, text: name.length === 1 ? name : '', ctrl: false }, shownServices(now, services, stats));
    if (effect !== null) effects.push(effect);
    return next;
  }, from);
  return { state, effects };
}

const names = (state: ScreenState): string[] => shownServices(state, services, stats).map(({ name }) => name);

describe('hivectl top', () => {
  it('orders by every column, numbers from the largest, and turns the order round', () => {
    const by = (order: ScreenState['order'], reversed = false): string[] => names({ ...firstScreen, order, reversed });
    expect(by('name')).toEqual(['api', 'job', 'web']);
    expect(by('cpu')).toEqual(['web', 'api', 'job']);
    expect(by('memory')).toEqual(['api', 'web', 'job']);
    expect(by('restarts')).toEqual(['web', 'api', 'job']);
    expect(by('uptime')).toEqual(['api', 'web', 'job']);
    expect(by('cpu', true)).toEqual(['job', 'api', 'web']);
    expect(pressed(Array<string>(orders.length).fill('right')).state.order).toBe('name');
    expect(pressed(['left', '!']).state).toMatchObject({ order: 'state', reversed: true });
  });

  it('filters by name, state and reason while it is typed, and acts on what is left', () => {
    const { state } = pressed(['/', 'c', 'O', 'd', 'e', 'backspace', 'backspace', 'd', 'e', ' ', '3']);
    expect(state).toMatchObject({ filter: 'cOde 3', mode: { kind: 'filter' } });
    expect(names(state)).toEqual(['job']);
    expect(pressed(['return', 's'], state).effects).toEqual([{ do: 'wish', wish: 'start', fqn: 'shop:job' }]);
    expect(pressed(['escape'], state).state).toMatchObject({ filter: '', mode: { kind: 'table' } });
  });

  it('asks before it stops or restarts, about the service that is chosen', () => {
    const { state, effects } = pressed(['down', 'down', 'x']);
    expect(effects).toEqual([]);
    expect(state.mode).toEqual({ kind: 'confirm', wish: 'stop', fqn: 'shop:web' });
    expect(pressed(['y'], state).effects).toEqual([{ do: 'wish', wish: 'stop', fqn: 'shop:web' }]);
    expect(pressed(['n'], state)).toMatchObject({ effects: [], state: { mode: { kind: 'table' }, message: 'Nothing was done to shop:web.' } });
    expect(pressed(['r', 'return']).effects).toEqual([{ do: 'wish', wish: 'restart', fqn: 'shop:api' }]);
  });

  it('keeps its choice when the order changes, and never leaves the list', () => {
    const { state } = pressed(['down', 'down', 'right']);
    expect(state.selected).toBe('shop:web');
    expect(names(state)[0]).toBe('web');
    expect(pressed(['up', 'up', 'pageup']).state.selected).toBe('shop:api');
    expect(pressed(['end', 'down', 'pagedown']).state.selected).toBe('shop:web');
  });

  it('does nothing where there is no service', () => {
    for (const key of ['r', 'x', 's', 'l', 'down', 'up', 'end']) expect(press(firstScreen, { name: key, text: key, ctrl: false }, [])).toMatchObject({ effect: null, state: { mode: { kind: 'table' } } });
  });

  it('draws within the terminal, with the chosen row in sight among a thousand', () => {
    const many = Array.from({ length: 1000 }, (_, index) => aService(`shop:s${String(index).padStart(4, '0')}`));
    const view: TopView = {
      state: { ...firstScreen, selected: 'shop:s0777' }, shown: many, services: many, stats: [], host: null, lines: [], trouble: null,
      now: new Date(), columns: 60, rows: 20, paint: plainPaint,
    };
    const lines = renderTop(view);
    expect(lines).toHaveLength(20);
    const bare = lines.map((line) => line.replaceAll('\x1b[7m', '').replaceAll('\x1b[27m', ''));
    for (const line of bare) expect(line.length).toBeLessThanOrEqual(60);
    expect(lines.filter((line) => line.startsWith('\x1b[7m'))).toEqual([expect.stringContaining('shop:s0777')]);
  });
});

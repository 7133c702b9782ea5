import type { Service, Stats } from '../../shared/protocol/results.js';

export const orders = ['name', 'cpu', 'memory', 'uptime', 'restarts', 'state'] as const;
export type Order = (typeof orders)[number];

/** What `hivectl top` can ask of a service; all but a start are asked about first. */
export type Wish = 'start' | 'stop' | 'restart';

/** What the keys have made of the screen. */
export interface ScreenState {
  readonly order: Order;
  readonly reversed: boolean;
  /** Only services whose name, state or reason has this text. */
  readonly filter: string;
  /** The full name of the service that keys act on; null: the first. */
  readonly selected: string | null;
  /** What keys mean now. */
  readonly mode:
    | { readonly kind: 'table' }
    | { readonly kind: 'filter' }
    | { readonly kind: 'confirm'; readonly wish: Wish; readonly fqn: string }
    | { readonly kind: 'logs'; readonly fqn: string };
  /** What the last wish led to. */
  readonly message: string;
}

export const firstScreen: ScreenState = { order: 'name', reversed: false, filter: '', selected: null, mode: { kind: 'table' }, message: '' };

/** What a key asks for beyond a change of the screen. */
export type Effect = { readonly do: 'quit' } | { readonly do: 'wish'; readonly wish: Wish; readonly fqn: string };

/** A key as node:readline names it; `text` is what it types. */
export interface Key {
  readonly name: string;
  readonly text: string;
  readonly ctrl: boolean;
}

/** The services that are shown, in their order. Pure. */
export function shownServices(state: ScreenState, services: readonly Service[], stats: readonly Stats[]): Service[] {
  const wanted = state.filter.toLowerCase();
  const found = services.filter((service) => `${service.fqn} ${service.state} ${service.reason}`.toLowerCase().includes(wanted));
  const value = measure(state.order, stats);
  const direction = state.reversed ? -1 : 1;
  return found.sort((a, b) => direction * (compare(value(a), value(b)) || compare(a.fqn, b.fqn)));
}

/** Numbers begin with the largest, since that is what one looks for. */
function measure(order: Order, stats: readonly Stats[]): (service: Service) => string | number {
  const sum = (of: (row: Stats) => number): ((service: Service) => number) => {
    const sums = new Map<string, number>();
    for (const row of stats) sums.set(row.fqn, (sums.get(row.fqn) ?? 0) + of(row));
    return ({ fqn }) => -(sums.get(fqn) ?? 0);
  };
  switch (order) {
    case 'name':
      return ({ fqn }) => fqn;
    case 'state':
      return ({ state }) => state;
    case 'restarts':
      return ({ restarts }) => -restarts;
    case 'cpu':
      return sum(({ cpu }) => cpu);
    case 'memory':
      return sum(({ memoryBytes }) => memoryBytes);
    case 'uptime':
      return ({ startedAt }) => (startedAt === null ? Number.MAX_VALUE : Date.parse(startedAt));
  }
}

function compare(a: string | number, b: string | number): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** What a key does, with the services as they are shown. Pure. */
export function press(state: ScreenState, key: Key, shown: readonly Service[]): { readonly state: ScreenState; readonly effect: Effect | null } {
  if (key.ctrl && key.name === 'c') return { state, effect: { do: 'quit' } };
  switch (state.mode.kind) {
    case 'table':
      return pressInTable(state, key, shown);
    case 'filter':
      return only(pressInFilter(state, key));
    case 'confirm': {
      const { wish, fqn } = state.mode;
      const back: ScreenState = { ...state, mode: { kind: 'table' } };
      return key.name === 'y' || key.name === 'return' ? { state: back, effect: { do: 'wish', wish, fqn } } : only({ ...back, message: `Nothing was done to ${fqn}.` });
    }
    case 'logs':
      return only(['escape', 'q', 'l', 'left', 'return'].includes(key.name) ? { ...state, mode: { kind: 'table' } } : state);
  }
}

function pressInTable(state: ScreenState, key: Key, shown: readonly Service[]): { readonly state: ScreenState; readonly effect: Effect | null } {
  const at = Math.max(0, shown.findIndex(({ fqn }) => fqn === state.selected));
  const fqn = shown[at]?.fqn;
  const select = (index: number): ScreenState => ({ ...state, message: '', selected: shown[Math.min(Math.max(0, index), shown.length - 1)]?.fqn ?? null });
  const ask = (wish: Wish): ScreenState => (fqn === undefined ? state : { ...state, selected: fqn, message: '', mode: { kind: 'confirm', wish, fqn } });
  switch (key.name) {
    case 'q':
      return { state, effect: { do: 'quit' } };
    case 'escape':
      return only({ ...state, filter: '', message: '' });
    case 'up':
    case 'k':
      return only(select(at - 1));
    case 'down':
    case 'j':
      return only(select(at + 1));
    case 'pageup':
      return only(select(at - 10));
    case 'pagedown':
      return only(select(at + 10));
    case 'home':
      return only(select(0));
    case 'end':
      return only(select(shown.length - 1));
    case 'left':
      return only(reorder(state, -1));
    case 'right':
      return only(reorder(state, 1));
    case 'r':
      return only(ask('restart'));
    case 'x':
      return only(ask('stop'));
    case 's':
      return fqn === undefined ? only(state) : { state: { ...state, selected: fqn }, effect: { do: 'wish', wish: 'start', fqn } };
    case 'l':
    case 'return':
      return only(fqn === undefined ? state : { ...state, selected: fqn, message: '', mode: { kind: 'logs', fqn } });
    default:
      if (key.text === '/') return only({ ...state, message: '', mode: { kind: 'filter' } });
      if (key.text === '!') return only({ ...state, reversed: !state.reversed });
      return only(state);
  }
}

function pressInFilter(state: ScreenState, key: Key): ScreenState {
  switch (key.name) {
    case 'return':
      return { ...state, mode: { kind: 'table' } };
    case 'escape':
      return { ...state, filter: '', mode: { kind: 'table' } };
    case 'backspace':
      return { ...state, filter: [...state.filter].slice(0, -1).join('') };
    default:
      return key.ctrl || !/^[^\p{Cc}]$/u.test(key.text) ? state : { ...state, filter: state.filter + key.text };
  }
}

function reorder(state: ScreenState, step: number): ScreenState {
  const next = orders[(orders.indexOf(state.order) + step + orders.length) % orders.length] ?? 'name';
  return { ...state, order: next, reversed: false };
}

function only(state: ScreenState): { readonly state: ScreenState; readonly effect: null } {
  return { state, effect: null };
}

import { describe, expect, it } from '@jest/globals';
import { decideInstanceState } from '../../daemon/runner/script/instance-state.js';
import { mayBeSignalled } from '../../shared/process/send-signal.js';
import { exitResultOf, parseRecord } from '../../daemon/runner/script/record.js';

const shim = 'shim b007 11 500 inc-1\n';
const started = `${shim}service 12 501\n`;
const at = new Date(0);

describe('a record', () => {
  it('counts a line only once its newline is there', () => {
    const whole = `${started}[1] + Done(3)                    \nexit 3\n`;
    const lineEnds = [...whole].flatMap((character, index) => (character === '\n' ? [index + 1] : []));
    for (let length = 0; length <= whole.length; length += 1) {
      const record = parseRecord(whole.slice(0, length));
      const lines = lineEnds.filter((end) => end <= length).length;
      if (lines === 0) expect(record).toEqual({ kind: 'unwritten' });
      else expect(record).toMatchObject({ service: lines >= 2 ? { pid: 12 } : null, exit: lines === 4 ? { kind: 'code', code: 3 } : null });
    }
  });

  it('names no process that kill(2) would take for everybody, a group or the machine', () => {
    for (const pid of ['0', '1', '-1']) {
      expect(parseRecord(`shim b007 ${pid} 500 inc-1\nservice 12 501\n`)).toEqual({ kind: 'unwritten' });
      expect(parseRecord(`${shim}service ${pid} 501\n`)).toMatchObject({ kind: 'written', service: null });
    }
    for (const pid of [-1, 0, 1, process.pid, Number.NaN, 2.5]) expect([pid, mayBeSignalled(pid)]).toEqual([pid, false]);
    expect(mayBeSignalled(2)).toBe(true);
  });

  it('tells codes from signals in the words of dash, BusyBox and bash', () => {
    expect(exitResultOf(143, ['[1] + Done(143)                  '])).toEqual({ kind: 'code', code: 143 });
    expect(exitResultOf(143, ['[1] + Terminated                 '])).toEqual({ kind: 'signal', signal: 'SIGTERM' });
    expect(exitResultOf(0, ['[1]+  Done                       '])).toEqual({ kind: 'code', code: 0 });
    expect(exitResultOf(139, ['[1] + Segmentation fault (core dumped)'])).toEqual({ kind: 'signal', signal: 'SIGSEGV', coreDumped: true });
    expect(exitResultOf(137, ['[1]+  Killed                  hive_service "$setsid" "$env"'])).toEqual({ kind: 'signal', signal: 'SIGKILL' });
    expect(exitResultOf(134, ['[1] + Aborted'])).toEqual({ kind: 'signal', signal: 'SIGABRT' });
  });

  it('knows nothing rather than something false', () => {
    expect(exitResultOf(143, [])).toMatchObject({ kind: 'unknown' });
    expect(exitResultOf(3, [])).toEqual({ kind: 'code', code: 3 });
    expect(exitResultOf(240, ['[1] + Real-time signal 78'])).toMatchObject({ kind: 'unknown' });
  });
});

describe('what a run folder says', () => {
  const state = (text: string | null, alive: { shim: boolean; service: boolean }): string =>
    decideInstanceState(text === null ? null : parseRecord(text), alive, at).kind;

  it('follows from the record and from who lives', () => {
    const both = { shim: true, service: true };
    const none = { shim: false, service: false };
    expect(state(null, none)).toBe('free');
    expect(state('shim b0', none)).toBe('unwritten');
    expect(state(shim, { shim: true, service: false })).toBe('starting');
    expect(state(shim, none)).toBe('lost');
    expect(state(started, both)).toBe('running');
    expect(state(started, { shim: false, service: true })).toBe('running');
    expect(state(started, { shim: true, service: false })).toBe('ending');
    expect(state(`${started}exit 0\n`, none)).toBe('ended');
    expect(state(`${shim}declined\n`, none)).toBe('declined');
  });

  it('is an unknown exit when both died without a word', () => {
    expect(decideInstanceState(parseRecord(started), { shim: false, service: false }, at)).toMatchObject({ kind: 'ended', exit: { kind: 'unknown' } });
  });
});

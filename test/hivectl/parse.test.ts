import { describe, expect, it } from '@jest/globals';
import { parse } from '../../hivectl/command-line/parse.js';
import { parsePlain } from '../../hivectl/command-line/parse-plain.js';
import { parseWithYargs } from '../../hivectl/command-line/parse-with-yargs.js';

async function args(line: string): Promise<Record<string, unknown>> {
  const parsed = await parse(line.split(' '), 80);
  if (parsed.kind === 'text') throw new Error(`a text came: ${parsed.text}`);
  return { command: parsed.command.name, ...parsed.args };
}

describe('a command line', () => {
  it('becomes a command with its words and options', async () => {
    expect(await args('logs web db -f --tail 5 --level warn')).toMatchObject({ command: 'logs', service: ['web', 'db'], follow: true, tail: 5, level: 'warn', timestamps: false });
    expect(await args('status')).toMatchObject({ command: 'status', service: [], all: false });
    expect(await args('ps --all')).toMatchObject({ command: 'status', all: true });
    expect(await args('up --no-wait')).toMatchObject({ command: 'up', wait: false, timeout: '5m' });
    expect(await args('service rollback shop:web 3')).toMatchObject({ command: 'rollback', service: 'shop:web', revision: '3' });
    expect(await args('events --type service.* --type daemon.started')).toMatchObject({ type: ['service.*', 'daemon.started'] });
    expect(await args('events --type service.* web')).toMatchObject({ type: ['service.*'], service: ['web'] });
  });

  it('may carry the global options anywhere', async () => {
    const parsed = await parse(['--home', '/h', 'source', 'list', '--json', '--no-color', '-q'], null);
    expect(parsed).toMatchObject({ options: { home: '/h', socket: undefined, json: true, color: false, quiet: true } });
  });

  it.each([
    ['statsu', 'There is no command hivectl statsu.', 'Did you mean status?'],
    ['source lst', 'There is no command hivectl source lst.', 'Did you mean list?'],
    ['status --al', 'Unknown argument: al.', 'See hivectl --help.'],
    ['why', 'Not enough non-option arguments: got 0, need at least 1.', 'See hivectl --help.'],
    ['source', 'Say which: hivectl source list|add|remove|reload|enable|disable|plan.', 'See hivectl --help.'],
    ['wait web --for ever', expect.stringContaining('Invalid values:'), 'See hivectl --help.'],
    ['logs web --tail many', '--tail takes a number.', 'Write it as --tail 10.'],
    ['up --timeout', expect.stringContaining('timeout'), 'See hivectl --help.'],
  ])('is refused with a sentence: %s', async (line, message, next) => {
    await expect(parse(line.split(' '), 80)).rejects.toMatchObject({ code: 'INVALID_PARAMS', message, next });
  });

  it('answers help and version', async () => {
    expect(await parse(['--version'], 80)).toMatchObject({ kind: 'text', text: expect.stringMatching(/^\d+\.\d+\.\d+$/) });
    expect(await parse(['logs', '--help'], 80)).toMatchObject({ kind: 'text', text: expect.stringContaining('--timestamps') });
  });
});

/** Only what the command and the global options declare: yargs adds words of its own. */
function declared(parsed: Awaited<ReturnType<typeof parse>> | null): unknown {
  if (parsed?.kind !== 'command') return parsed;
  const { command, args, options } = parsed;
  const names = [...Object.keys(command.positionals), ...Object.keys(command.options)];
  return { command: command.name, options, args: Object.fromEntries(names.map((name) => [name, args[name]])) };
}

describe('the parser without the rest of yargs', () => {
  it.each([
    'status', 'ps -a', 'status web db --json', 'status --no-color --home /x', 'up', 'up --no-wait --timeout 30s', 'up --timeout=30s web', 'logs -f', 'logs -fn 5 web', 'logs web -n5 -t',
    'logs --level error --stream stderr --since 5m', 'events --type a.* --type b.c web -f', 'events --type=a.*', 'wait web', 'wait web --for stopped', 'stop 1 2', 'why web -q', 'source list', 'source add',
    'source add /p --name x', 'source rm shop', 'service update shop:web - --if-revision 3', 'service create a:b -', 'service rollback web 007', 'plugin call p m {"a":1}', 'daemon stop --keep-services', 'daemon stop --no-keep-services',
    'completion bash', 'config validate', 'logs --tail 0x10', 'down --all=false',
  ])('reads as yargs does: %s', async (line) => {
    const words = line.split(' ');
    const plain = parsePlain(words);
    expect(plain).not.toBeNull();
    expect(declared(plain)).toEqual(declared(await parseWithYargs(words, 80)));
  });

  it.each([['stop -- -x', ['-x']], ['stop a --timeout 5s -- --timeout -- b', ['a', '--timeout', '--', 'b']]])('takes what stands after -- as it is: %s', async (line, service) => {
    expect(declared(await parse(line.split(' '), 80))).toMatchObject({ args: { service } });
  });

  it.each([
    '', 'statsu', 'status --help', 'status -h', '--version', '--json status', 'status --al', 'why', 'why a b', 'wait web --for ever', 'up --timeout', 'up --timeout a --timeout b', 'logs --tail many',
    'completion tcsh', 'source', 'source lst', 'up --no-timeout', 'events --type',
  ])('leaves to yargs what has to be explained: %s', (line) => expect(parsePlain(line === '' ? [] : line.split(' '))).toBeNull());
});

#!/usr/bin/env node
import { toHiveError, type HiveError } from '../shared/errors/hive-error.js';
import { parse } from './command-line/parse.js';
import { Context } from './context.js';
import { exitCodeOf, exitCodes, type ExitCode } from './exit-codes.js';
import { errorAsJson, renderError } from './render/error.js';
import { processTerminal } from './terminal.js';

async function main(words: readonly string[]): Promise<ExitCode> {
  if (words[0] === '__complete') {
    await (await import('./commands/complete.js')).printCompletions(words.slice(1));
    return exitCodes.done;
  }
  const parsed = await parse(words, process.stdout.isTTY ? process.stdout.columns : null);
  if (parsed.kind === 'text') {
    process.stdout.write(`${parsed.text}\n`);
    return exitCodes.done;
  }
  const { command, args, options } = parsed;
  const context = new Context(options);
  process.on('SIGINT', () => process.exit(context.interrupt()));
  try {
    return (await command.run?.(context, args as never)) ?? exitCodes.done;
  } catch (thrown) {
    throw await withVersionHint(context, toHiveError(thrown));
  } finally {
    await context.disconnect();
  }
}

/** A method that is not known is a sign of two versions; the hint says which. */
async function withVersionHint(context: Context, error: HiveError): Promise<HiveError> {
  if (error.code !== 'METHOD_NOT_FOUND') return error;
  const { versionHint } = await import('./version-hint.js');
  return versionHint(context, error);
}

function report(thrown: unknown, words: readonly string[]): ExitCode {
  const error = toHiveError(thrown);
  const asked = words.includes('--json');
  if (asked) process.stderr.write(`${errorAsJson(error)}\n`);
  else process.stderr.write(`${renderError(error, processTerminal(!words.includes('--no-color')).paintErr).join('\n')}\n`);
  return exitCodeOf(error.code);
}

// A reader such as `head` that has seen enough is no error.
process.stdout.on('error', () => process.exit(exitCodes.done));
const words = process.argv.slice(2);
// Whatever still waits, a connection or a timer, is of no interest any more.
process.exit(await main(words).catch((thrown: unknown) => report(thrown, words)));

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { setImmediate as turn } from 'node:timers/promises';
import { probe } from '../../../daemon/health/probe.js';

/*
 * Calls a check off at the moment at which its command has ended and been reaped, but nobody was told yet: from the exit
 * of another child that ended while this process was busy. One is begun before the check and one after it, since the order
 * in which Node tells of them is its own.
 */
const children = (): number => readFileSync(`/proc/self/task/${process.pid}/children`, 'utf8').split(' ').length - 1;
const sleeps = () => spawn('/bin/sh', ['-c', 'exec sleep 0.4'], { stdio: 'ignore' });
const abort = new AbortController();
const check = { type: 'cmd', command: 'exec sleep 0.4', workingDir: '/', intervalMs: 1_000, timeoutMs: 10_000, retries: 1, startPeriodMs: 0 } as const;

await import('execa');
const early = sleeps();
const result = probe(check, { host: '127.0.0.1', ports: {}, environment: {} }, abort.signal);
while (children() < 2) await turn();
const late = sleeps();
for (const child of [early, late]) child.once('exit', () => abort.abort());
const busyUntil = performance.now() + 1_000;
while (performance.now() < busyUntil);
await Promise.all([once(late, 'exit'), result]);
process.stdout.write(`${(await result).kind}\n`);

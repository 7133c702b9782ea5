import { readFileSync } from 'node:fs';

/** CLOCK_MONOTONIC in milliseconds: the same scale in every process since boot, untouched by changes of the time of day. */
export function monotonicMs(): number {
  return Number(process.hrtime.bigint() / 1_000n) / 1_000;
}

let boot: string | undefined;

/** Names this boot of the machine; monotonic times of another boot mean nothing. */
export function bootId(): string {
  boot ??= readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  return boot;
}

import { parseDuration } from '../../shared/config/durations.js';
import { HiveError } from '../../shared/errors/hive-error.js';
import { eventTypes, type EventType } from '../../shared/protocol/events.js';

/** What `plugins.crash-notifier` in hive.yaml says. At least one of command and webhook is there. */
export interface Settings {
  /** Program and arguments. */
  readonly command: readonly string[] | null;
  readonly webhook: URL | null;
  readonly headers: Readonly<Record<string, string>>;
  readonly events: readonly EventType[];
  /** Attempts after the first one; then the notification is put aside. */
  readonly retries: number;
  /** For one attempt, in milliseconds. */
  readonly timeoutMs: number;
}

const known = ['command', 'webhook', 'headers', 'events', 'retries', 'timeout'];
export const defaultEvents: readonly EventType[] = ['service.crashed', 'service.failed'];

/** @throws HiveError INVALID_CONFIG naming the setting that is wrong, never its value: it may be a secret */
export function readSettings(config: Record<string, unknown>): Settings {
  const unknown = Object.keys(config).find((key) => !known.includes(key));
  if (unknown !== undefined) throw wrong(unknown, `is not a setting; there are ${known.join(', ')}`);
  const command = readCommand(config['command']);
  const webhook = readWebhook(config['webhook']);
  if (command === null && webhook === null) throw wrong('command', 'is missing, and so is webhook; one of the two is needed');
  return {
    command, webhook,
    headers: readHeaders(config['headers']),
    events: readEvents(config['events']),
    retries: readRetries(config['retries']),
    timeoutMs: readTimeout(config['timeout']),
  };
}

function readCommand(value: unknown): string[] | null {
  if (value === undefined || value === null) return null;
  if (typeof value === 'string' && value !== '') return ['/bin/sh', '-c', value];
  if (Array.isArray(value) && value.length > 0 && value.every((word) => typeof word === 'string')) return value;
  throw wrong('command', 'is neither a line for the shell nor a list of a program and its arguments');
}

function readWebhook(value: unknown): URL | null {
  if (value === undefined || value === null) return null;
  const url = typeof value === 'string' ? URL.parse(value) : null;
  if (url === null || !['http:', 'https:'].includes(url.protocol)) throw wrong('webhook', 'is not a URL that begins with http:// or https://');
  return url;
}

function readHeaders(value: unknown): Record<string, string> {
  if (value === undefined) return {};
  const isFine = typeof value === 'object' && value !== null && Object.values(value).every((text) => typeof text === 'string' && !/[\r\n\0]/.test(text));
  if (!isFine || !Object.keys(value).every((name) => /^[\w-]+$/.test(name))) throw wrong('headers', 'is not a mapping of header names to texts');
  return value as Record<string, string>;
}

function readEvents(value: unknown): readonly EventType[] {
  if (value === undefined) return defaultEvents;
  const types = Object.keys(eventTypes) as EventType[];
  if (Array.isArray(value) && value.length > 0 && value.every((type): type is EventType => types.includes(type as EventType))) return value;
  throw wrong('events', `is not a list of event types, such as ${defaultEvents.join(' and ')}`);
}

function readRetries(value: unknown): number {
  if (value === undefined) return 20;
  if (typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= 1_000) return value;
  throw wrong('retries', 'is not a whole number from 0 to 1000');
}

function readTimeout(value: unknown): number {
  if (value === undefined) return 30_000;
  const duration = typeof value === 'string' ? parseDuration(value) : null;
  if (duration?.ok === true && duration.value > 0) return duration.value;
  throw wrong('timeout', duration?.ok === false ? duration.message : 'is not a duration such as 30s');
}

function wrong(setting: string, what: string): HiveError {
  return new HiveError('INVALID_CONFIG', `plugins.crash-notifier.${setting} in hive.yaml ${what}.`, { next: 'Correct it; the plugin starts again by itself.' });
}

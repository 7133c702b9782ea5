import { isAbsolute } from 'node:path';
import { nearestName } from '../../shared/config/nearest-name.js';
import { wrongSetting } from './wrong-setting.js';

export const runnerTypes = ['docker', 'podman', 'script', 'compose', 'swarm'] as const;
export type RunnerType = (typeof runnerTypes)[number];

/** What a cocoon of a kind is made of. */
export interface Kind {
  readonly id: string;
  readonly runner: RunnerType;
  readonly image: string;
  /** Absolute; there for the script runner. */
  readonly scriptPath: string | null;
  /** Absolute; null: for the compose runner, a file is made of the image. */
  readonly composeFile: string | null;
  /** The service of the compose file. */
  readonly composeService: string;
  /** What is laid over the configuration that is made: a JSON merge patch in the format of a service. */
  readonly service: Readonly<Record<string, unknown>>;
}

const defaultRegistry = 'git.the-ihor.com/adi';
const known = ['image', 'runner', 'script_path', 'compose_file', 'compose_service', 'service'];
/** A kind's name is told to the server and to the cocoon; it has no other meaning. */
const kindId = /^[A-Za-z0-9][A-Za-z0-9_.-]{0,62}$/;

type Given = (key: string) => unknown;

/** Reads `kinds`, filling in from `runner`, `script_path`, `compose_file` and `registry`. @throws HiveError INVALID_CONFIG */
export function readKinds(given: Given): Map<string, Kind> {
  const registry = text('registry', given('registry')) ?? defaultRegistry;
  const kinds = new Map<string, Kind>();
  const written = given('kinds');
  for (const [id, fields] of written === undefined ? [['default', {}] as const] : entries(written)) {
    if (!kindId.test(id)) throw wrongSetting('kinds', 'has a kind whose id is not made of letters, digits, _, . and -, at most 63');
    if (kinds.has(id)) throw wrongSetting(`kinds.${id}`, 'is there twice');
    kinds.set(id, readKind(id, fields, given, registry));
  }
  if (kinds.size === 0) throw wrongSetting('kinds', 'is empty; leave it out for one kind named default');
  return kinds;
}

/** `id=image,id=image`, or a mapping whose values are images or mappings. */
function entries(value: unknown): (readonly [string, Record<string, unknown>])[] {
  if (typeof value === 'string') {
    return value.split(',').filter((part) => part.trim() !== '').map((part) => {
      const at = part.indexOf('=');
      if (at === -1) throw wrongSetting('kinds', 'is a text that is not made of id=image, with commas between');
      return [part.slice(0, at).trim(), { image: part.slice(at + 1).trim() }] as const;
    });
  }
  if (!isRecord(value)) throw wrongSetting('kinds', 'is neither a mapping of ids to kinds nor a text such as default=image');
  return Object.entries(value).map(([id, kind]) => {
    if (kind === null) return [id, {}] as const;
    if (typeof kind === 'string') return [id, { image: kind }] as const;
    if (isRecord(kind)) return [id, kind] as const;
    throw wrongSetting(`kinds.${id}`, 'is neither an image nor a mapping');
  });
}

function readKind(id: string, fields: Record<string, unknown>, common: Given, registry: string): Kind {
  const at = (key: string): string => `kinds.${id}.${key}`;
  const unknown = Object.keys(fields).find((key) => !known.includes(key));
  if (unknown !== undefined) {
    const near = nearestName(unknown, known);
    throw wrongSetting(at(unknown), `is not part of a kind; ${near === null ? `there are ${known.join(', ')}` : `do you mean ${near}?`}`);
  }
  const either = (key: string): string | null => text(at(key), fields[key] ?? undefined) ?? text(key, common(key));
  const runner = either('runner') ?? 'docker';
  if (!runnerTypes.includes(runner as RunnerType)) throw wrongSetting('runner' in fields ? at('runner') : 'runner', `is none of ${runnerTypes.join(', ')}`);
  const scriptPath = either('script_path');
  if (runner === 'script' && scriptPath === null) throw wrongSetting('script_path', 'is missing: the script runner needs to know what to run');
  const composeFile = either('compose_file');
  for (const [key, path] of [['script_path', scriptPath], ['compose_file', composeFile]] as const) {
    if (path !== null && !isAbsolute(path)) throw wrongSetting(key in fields ? at(key) : key, 'is not an absolute path');
  }
  const service = fields['service'] ?? {};
  if (!isRecord(service)) throw wrongSetting(at('service'), 'is not a mapping of what a service may say');
  return {
    id,
    runner: runner as RunnerType,
    image: text(at('image'), fields['image'] ?? undefined) ?? `${registry}/cocoon:latest`,
    scriptPath,
    composeFile,
    composeService: text(at('compose_service'), fields['compose_service'] ?? undefined) ?? 'cocoon',
    service,
  };
}

function text(key: string, value: unknown): string | null {
  if (value === undefined) return null;
  if (typeof value !== 'string' || value === '' || value.includes('\0')) throw wrongSetting(key, 'is no text');
  return value;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

import type { Activation, PluginManifest } from '../shared/protocol/link.js';
import { nameProblem } from '../shared/config/names.js';
import { parseSize } from '../shared/config/sizes.js';

/** What hive-plugin.json may say (docs/writing-plugins.md); everything but the command has a default. */
export interface ManifestFile {
  readonly id: string | null;
  readonly command: string[] | null;
  readonly grants: string[];
  readonly activation: Activation | null;
  readonly connect: PluginManifest['connect'];
  readonly environment: string[];
  readonly settings: Record<string, unknown>;
  readonly settingsFromEnvironment: Record<string, string[]>;
  readonly memoryLimit: number;
}

export const defaultGrants = ['read', 'events:read'];
export const defaultMemoryLimit = 512 * 1024 * 1024;

/** What is wrong with a plugin folder or its manifest, as a sentence for the operator. */
export class ManifestProblem extends Error {}

const known = new Set(['$schema', 'id', 'name', 'version', 'description', 'command', 'grants', 'activation', 'connect', 'environment', 'settings', 'settingsFromEnvironment', 'memoryLimit']);

/** Reads the object of a manifest. @throws ManifestProblem naming the first field that is wrong */
export function readManifest(value: unknown): ManifestFile {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new ManifestProblem('The manifest is not a JSON object.');
  const fields = value as Record<string, unknown>;
  for (const key of Object.keys(fields)) {
    if (!known.has(key)) throw new ManifestProblem(`The manifest has a field "${key}" that no plugin has; known are ${[...known].slice(1).join(', ')}.`);
  }
  return {
    id: readId(fields['id'] ?? fields['name']),
    command: readCommand(fields['command']),
    grants: fields['grants'] === undefined ? defaultGrants : strings('grants', fields['grants']),
    activation: readActivation(fields['activation']),
    connect: readConnect(fields['connect']),
    environment: fields['environment'] === undefined ? [] : strings('environment', fields['environment']),
    settings: readSettings(fields['settings']),
    settingsFromEnvironment: readSettingsFromEnvironment(fields['settingsFromEnvironment']),
    memoryLimit: readMemoryLimit(fields['memoryLimit']),
  };
}

function readId(value: unknown): string | null {
  if (value === undefined) return null;
  if (typeof value !== 'string') throw new ManifestProblem('The id of the manifest is not a string.');
  assertPluginId(value);
  return value;
}

/** Plugin ids follow the rules of source names: they become names of folders. @throws ManifestProblem */
export function assertPluginId(id: string): void {
  const problem = nameProblem('plugin', id);
  if (problem !== null) throw new ManifestProblem(problem);
}

function readCommand(value: unknown): string[] | null {
  if (value === undefined) return null;
  const command = typeof value === 'string' ? [value] : strings('command', value);
  if (command[0] === undefined || command[0] === '') throw new ManifestProblem('The command of the manifest is empty.');
  return command;
}

function readConnect(value: unknown): PluginManifest['connect'] {
  if (value === undefined || value === 'descriptor') return 'descriptor';
  if (value === 'token') return 'token';
  throw new ManifestProblem('The manifest says connect: something else than "descriptor" or "token".');
}

function readActivation(value: unknown): Activation | null {
  if (value === undefined) return null;
  if (value === 'always' || value === 'enabled') return { kind: value };
  if (typeof value === 'object' && value !== null) {
    const { setting, serviceHas } = value as Record<string, unknown>;
    if (setting !== undefined) return { kind: 'setting', anyOf: typeof setting === 'string' ? [setting] : strings('activation.setting', setting) };
    if (serviceHas === 'route' || serviceHas === 'scale') return { kind: 'serviceHas', feature: serviceHas };
  }
  throw new ManifestProblem(
    'The activation of the manifest is none of "always", "enabled", {"setting": [names]}, {"serviceHas": "route"} and {"serviceHas": "scale"}.',
  );
}

function readSettingsFromEnvironment(value: unknown): Record<string, string[]> {
  if (value === undefined) return {};
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new ManifestProblem('The settingsFromEnvironment of the manifest is not an object such as {"url": ["SERVICE_URL"]}.');
  }
  return Object.fromEntries(Object.entries(value).map(([setting, variables]) => [setting, typeof variables === 'string' ? [variables] : strings(`settingsFromEnvironment.${setting}`, variables)]));
}

/** Only whether there are any: what they say is read where hive.yaml is checked, and zod, which that takes, is not for here. */
function readSettings(value: unknown): Record<string, unknown> {
  if (value === undefined) return {};
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  throw new ManifestProblem('The settings of the manifest are not an object.');
}

function readMemoryLimit(value: unknown): number {
  if (value === undefined) return defaultMemoryLimit;
  const size = typeof value === 'string' ? parseSize(value) : null;
  if (size === null) throw new ManifestProblem('The memoryLimit of the manifest is not a string such as "256MB".');
  if (!size.ok) throw new ManifestProblem(`The memoryLimit of the manifest ${size.message}.`);
  return size.value;
}

function strings(field: string, value: unknown): string[] {
  if (Array.isArray(value) && value.every((item) => typeof item === 'string' && !item.includes('\0'))) return value as string[];
  throw new ManifestProblem(`The ${field} of the manifest ${field.endsWith('s') ? 'are' : 'is'} not a list of strings.`);
}

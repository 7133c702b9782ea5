import { lstatSync, readdirSync, readFileSync, realpathSync, statSync, type Stats } from 'node:fs';
import { basename, extname, isAbsolute, join, resolve, sep } from 'node:path';
import type { PluginManifest } from '../shared/protocol/link.js';
import { examineEntry, mayExecute, ownershipProblem } from './entry-safety.js';
import { assertPluginId, defaultGrants, defaultMemoryLimit, ManifestProblem, readManifest, type ManifestFile } from './manifest.js';

export interface Found {
  readonly manifest: PluginManifest;
  /** Differs whenever a file differs that says what is run, or that is what is run. */
  readonly fingerprint: string;
  /** When one of these files last changed, in milliseconds since 1970. */
  readonly changedAt: number;
}

export interface Discovery {
  readonly found: Found[];
  /** What is there and is not run, and why: a sentence each. */
  readonly skipped: { entry: string; reason: string }[];
}

export interface DiscoverOptions {
  /** Holds one folder per plugin that ships with Hive; trusted. */
  readonly shippedFolder: string;
  readonly pluginsFolder: string;
}

const manifestName = 'hive-plugin.json';
const largestManifest = 64 * 1024;

/** Looks at every plugin there is, without executing any. One bad entry is skipped, with its reason; none fails the rest. */
export function discover({ shippedFolder, pluginsFolder }: DiscoverOptions): Discovery {
  const discovery: Discovery = { found: [], skipped: [] };
  for (const entry of entriesOf(shippedFolder)) {
    const folder = join(shippedFolder, entry);
    if (statSync(join(folder, manifestName), { throwIfNoEntry: false }) === undefined) continue;
    attempt(discovery, folder, () => readPluginFolder(folder, 'core'));
  }
  const root = statSync(pluginsFolder, { throwIfNoEntry: false });
  if (root === undefined) return discovery;
  const unsafe = root.isDirectory() ? ownershipProblem(root) : 'It is not a folder.';
  if (unsafe !== null) {
    discovery.skipped.push({ entry: pluginsFolder, reason: `Nothing in it is run. ${unsafe}` });
    return discovery;
  }
  const realRoot = realpathSync(pluginsFolder);
  for (const entry of entriesOf(pluginsFolder)) attempt(discovery, entry, () => readExternal(join(realRoot, entry), realRoot));
  return discovery;
}

function attempt(discovery: Discovery, entry: string, read: () => Found): void {
  try {
    const found = read();
    const twin = discovery.found.find((other) => other.manifest.id === found.manifest.id);
    if (twin === undefined) discovery.found.push(found);
    else {
      const whose = twin.manifest.kind === 'core' ? 'A plugin that ships with Hive' : `Another entry (${twin.manifest.command.join(' ')})`;
      discovery.skipped.push({ entry, reason: `${whose} has the id "${found.manifest.id}" already.` });
    }
  } catch (thrown) {
    discovery.skipped.push({ entry, reason: thrown instanceof Error ? thrown.message : String(thrown) });
  }
}

function readExternal(path: string, root: string): Found {
  if (basename(path).startsWith('.')) throw new ManifestProblem('Its name begins with a dot.');
  const entry = safe(path, root);
  if (entry.stats.isDirectory()) return readPluginFolder(path, 'external', root);
  if (entry.stats.isFile()) return readBareExecutable(path, entry);
  throw new ManifestProblem('It is neither a file nor a folder.');
}

/** A single file with its run bit. Its id is its name, less what comes after the last dot. */
function readBareExecutable(path: string, { stats, realPath }: { stats: Stats; realPath: string }): Found {
  if (!mayExecute(realPath)) throw new ManifestProblem('It has no run bit: chmod +x makes it a plugin.');
  const id = basename(path, extname(path));
  assertPluginId(id);
  const manifest: PluginManifest = {
    id, kind: 'external', command: [path], workingDirectory: null, grants: defaultGrants, activation: { kind: 'always' },
    connect: 'descriptor', environment: [], settingsFromEnvironment: {}, memoryLimit: defaultMemoryLimit,
  };
  return { manifest, ...fingerprintOf([stats]) };
}

/** `root`: where links may lead; not given for what ships with Hive. */
function readPluginFolder(folder: string, kind: PluginManifest['kind'], root?: string): Found {
  const { file, stats, fallbackId } = readManifestOf(folder, root);
  if (file.command === null) throw new ManifestProblem('Its manifest names no command.');
  const id = file.id ?? fallbackId;
  assertPluginId(id);
  const { command, executables } = resolveCommand(file.command, folder, root);
  const manifest: PluginManifest = {
    id, kind, command, workingDirectory: folder, grants: file.grants,
    activation: file.activation ?? { kind: kind === 'core' ? 'enabled' : 'always' },
    connect: file.connect, environment: file.environment, settingsFromEnvironment: file.settingsFromEnvironment, memoryLimit: file.memoryLimit,
  };
  return { manifest, ...fingerprintOf([stats, ...executables], manifest) };
}

function readManifestOf(folder: string, root: string | undefined): { file: ManifestFile; stats: Stats; fallbackId: string } {
  const own = join(folder, manifestName);
  if (lstatSync(own, { throwIfNoEntry: false }) !== undefined) {
    const { value, stats } = readJson(own, root);
    return { file: readManifest(value), stats, fallbackId: basename(folder) };
  }
  const npm = join(folder, 'package.json');
  if (lstatSync(npm, { throwIfNoEntry: false }) === undefined) throw new ManifestProblem(`It holds neither a ${manifestName} nor a package.json.`);
  const { value, stats } = readJson(npm, root);
  const pack = (typeof value === 'object' && value !== null ? value : {}) as Record<string, unknown>;
  if (pack['hive'] === undefined) throw new ManifestProblem('Its package.json has no "hive" key.');
  const file = readManifest(pack['hive']);
  const command = file.command ?? (typeof pack['main'] === 'string' ? ['node', pack['main']] : null);
  const name = typeof pack['name'] === 'string' ? pack['name'] : basename(folder);
  return { file: { ...file, command }, stats, fallbackId: name.slice(name.indexOf('/') + 1) };
}

function readJson(path: string, root: string | undefined): { value: unknown; stats: Stats } {
  const stats = root === undefined ? statSync(path) : safe(path, root).stats;
  if (!stats.isFile()) throw new ManifestProblem(`${basename(path)} is not a file.`);
  if (stats.size > largestManifest) throw new ManifestProblem(`${basename(path)} is larger than ${largestManifest / 1024} KB.`);
  try {
    return { value: JSON.parse(readFileSync(path, 'utf8')) as unknown, stats };
  } catch (thrown) {
    throw new ManifestProblem(`${basename(path)} is not JSON: ${(thrown as Error).message}.`);
  }
}

/**
 * `node` is the one that runs Hive. A first word with a slash is looked for in the folder, any other in PATH.
 * Whatever word names a file in the folder has to be as safe as the folder, and belongs to the fingerprint.
 */
function resolveCommand(words: string[], folder: string, root: string | undefined): { command: string[]; executables: Stats[] } {
  const [first = '', ...rest] = words;
  const executable = first === 'node' ? process.execPath : first.includes('/') ? resolve(folder, first) : first;
  const executables: Stats[] = [];
  for (const word of [executable, ...rest]) {
    const path = isAbsolute(word) ? word : join(folder, word);
    if (word === executable && !isAbsolute(word)) continue;
    const isInside = path.startsWith(folder + sep);
    if (word === executable && first !== 'node' && !isInside && root !== undefined && !isAbsolute(first)) {
      throw new ManifestProblem(`The command ${first} leads out of the folder.`);
    }
    if (!isInside || lstatSync(path, { throwIfNoEntry: false }) === undefined) {
      if (word === executable && isInside) throw new ManifestProblem(`The command ${first} does not exist.`);
      continue;
    }
    const stats = root === undefined ? statSync(path) : safe(path, root).stats;
    if (word === executable && !mayExecute(path)) throw new ManifestProblem(`The command ${first} has no run bit.`);
    executables.push(stats);
  }
  return { command: [executable, ...rest], executables };
}

function safe(path: string, root: string): { stats: Stats; realPath: string } {
  const entry = examineEntry(path, root);
  if ('problem' in entry) throw new ManifestProblem(basename(path) === manifestName ? `${manifestName}: ${entry.problem}` : entry.problem);
  return entry;
}

function fingerprintOf(files: Stats[], manifest?: PluginManifest): Pick<Found, 'fingerprint' | 'changedAt'> {
  const marks = files.map(({ ino, size, mtimeMs }) => `${ino}:${size}:${mtimeMs}`);
  return {
    fingerprint: [...marks, JSON.stringify(manifest ?? null)].join(' '),
    changedAt: Math.max(...files.map(({ mtimeMs, ctimeMs }) => Math.max(mtimeMs, ctimeMs))),
  };
}

function entriesOf(folder: string): string[] {
  try {
    return readdirSync(folder).sort();
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw thrown;
  }
}

import { realpath, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { HiveError } from '../../shared/errors/index.js';

/** The one file that a source is read from. */
export interface SourceFile {
  readonly kind: 'yaml' | 'sqlite';
  /** Through no link but one that is the file itself: two ways to the same folder are the same source. */
  readonly path: string;
  /** What relative paths in the configuration start from: the folder that holds `.adi/`, else the folder of the file. */
  readonly projectRoot: string;
}

/**
 * Finds out what `path` names: a folder with `.adi/hive.yaml` or `hive.db`, a `.yaml` file, a `.db` file (one that is not
 * there yet will be made).
 *
 * @throws HiveError NOT_FOUND or INVALID_CONFIG with a sentence that says what was looked for.
 */
export async function detectSource(path: string): Promise<SourceFile> {
  if (!path.startsWith('/') || path.includes('\0')) {
    throw new HiveError('INVALID_PARAMS', `The path of a source must be absolute; "${path.replaceAll('\0', '\\0')}" is not.`, { next: 'Give the full path of the folder or file.' });
  }
  const found = await look(path);
  if (found === 'folder') return inFolder(await realpath(path));
  if (found === 'other') throw notASource(path, 'is neither a file nor a folder');
  const kind = kindOf(path);
  const made = found === 'nothing' && kind === 'sqlite' && (await look(dirname(path))) === 'folder';
  if (found === 'nothing' && !made) {
    throw new HiveError('NOT_FOUND', `${path} does not exist.`, {
      next: 'Check the path; a source is a folder with .adi/hive.yaml, a .yaml file or a .db file.',
      data: { path },
    });
  }
  if (kind === null) throw notASource(path, 'is neither a .yaml nor a .db file');
  return sourceFile(kind, await throughFolders(path));
}

/** The default source: `hive.yaml` or `hive.db` in the home folder; where neither is, the hive.yaml that may come. Both: null. */
export async function detectDefaultSource(home: string): Promise<SourceFile | null> {
  const [yaml, database] = [join(home, 'hive.yaml'), join(home, 'hive.db')];
  const [hasYaml, hasDatabase] = await Promise.all([look(yaml), look(database)]);
  if (hasYaml !== 'nothing' && hasDatabase !== 'nothing') return null;
  return hasDatabase === 'nothing' ? sourceFile('yaml', yaml) : sourceFile('sqlite', database);
}

/** The source that a file of this path is. */
export function sourceFile(kind: SourceFile['kind'], path: string): SourceFile {
  const folder = dirname(path);
  return { kind, path, projectRoot: basename(folder) === '.adi' ? dirname(folder) : folder };
}

async function inFolder(folder: string): Promise<SourceFile> {
  const [yaml, database] = [join(folder, '.adi', 'hive.yaml'), join(folder, 'hive.db')];
  const [hasYaml, hasDatabase] = await Promise.all([look(yaml), look(database)]);
  if (hasYaml === 'file' && hasDatabase === 'file') throw notASource(folder, 'has both .adi/hive.yaml and hive.db', 'Give the path of the one that is meant.');
  if (hasYaml === 'file') return sourceFile('yaml', yaml);
  if (hasDatabase === 'file') return sourceFile('sqlite', database);
  throw new HiveError('NOT_FOUND', `${folder} has no configuration: neither .adi/hive.yaml nor hive.db is there.`, {
    next: `Write ${yaml}, or give the path of a .yaml or .db file.`,
    data: { path: folder },
  });
}

/** Resolves links among the folders but not the file: a linked `.adi/hive.yaml` belongs to the project that it stands in. */
async function throughFolders(path: string): Promise<string> {
  const folder = dirname(path);
  if (basename(folder) === '.adi') return join(await realpath(dirname(folder)), '.adi', basename(path));
  return join(await realpath(folder), basename(path));
}

function kindOf(path: string): SourceFile['kind'] | null {
  if (/\.ya?ml$/i.test(path)) return 'yaml';
  return /\.db$/i.test(path) ? 'sqlite' : null;
}

async function look(path: string): Promise<'file' | 'folder' | 'other' | 'nothing'> {
  try {
    const found = await stat(path);
    if (found.isFile()) return 'file';
    return found.isDirectory() ? 'folder' : 'other';
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return 'nothing';
    throw new HiveError('NOT_FOUND', `${path} cannot be looked at: ${(error as Error).message}.`, { next: 'Check the permissions of the folders on the way.', data: { path } });
  }
}

function notASource(path: string, why: string, next = 'A source is a folder with .adi/hive.yaml or hive.db, a .yaml file or a .db file.'): HiveError {
  return new HiveError('INVALID_PARAMS', `${path} ${why}.`, { next });
}

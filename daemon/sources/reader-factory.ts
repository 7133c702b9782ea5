import { realpath } from 'node:fs/promises';
import { join } from 'node:path';
import type { Environment } from '../../shared/config/interpolate.js';
import type { LoadOptions } from '../../shared/config/load-source.js';
import type { DeclaredSettings } from '../../shared/config/plugin-settings.js';
import { detectDefaultSource, sourceFile, type SourceFile } from './detect-source.js';
import type { RegisteredSource } from './registered-source.js';
import { cocoonsSource, defaultSource } from './source-name.js';
import { fileProblem, type Reading, type SourceReader } from './source-reader.js';
import { SqliteReader } from './sqlite-reader.js';
import { YamlReader } from './yaml-reader.js';

/** What the default source says before its file is written. */
const nothingYet = 'version: "1"\nservices: {}\n';

/** Makes readers, and knows what is special about the two sources that belong to the home folder. */
export class ReaderFactory {
  constructor(
    readonly home: string,
    private readonly environment: Environment,
    private readonly pluginSettings: DeclaredSettings | undefined,
  ) {}

  get cocoonsPath(): string {
    return join(this.home, 'cocoons.db');
  }

  /** The file that the default source has before anything is known of it. */
  get defaultFile(): SourceFile {
    return sourceFile('yaml', join(this.home, 'hive.yaml'));
  }

  /** Tells whether `path` means the default source. */
  async isHome(path: string): Promise<boolean> {
    const real = await realpath(path).catch(() => null);
    return real === this.home || real === join(this.home, 'hive.yaml') || real === join(this.home, 'hive.db');
  }

  make(name: string, file: SourceFile, absent: 'create' | 'error' = 'error'): SourceReader {
    const options: LoadOptions = {
      source: name,
      projectRoot: file.projectRoot,
      env: this.environment,
      ...(this.pluginSettings === undefined ? {} : { pluginSettings: this.pluginSettings }),
    };
    switch (file.kind) {
      case 'yaml':
        return new YamlReader(file, options);
      case 'sqlite':
        return new SqliteReader(file, options, absent === 'create' || name === cocoonsSource);
    }
  }

  /** Reads a source. The default one may have changed its kind, or not be there yet. */
  async read(source: RegisteredSource): Promise<Reading> {
    if (source.name !== defaultSource) return source.reader.read();
    const file = await detectDefaultSource(this.home);
    if (file === null) {
      return { ok: false, problems: [fileProblem(join(this.home, 'hive.yaml'), 'Both hive.yaml and hive.db are in the home folder; the default source is one of them. Move one away.')] };
    }
    if (file.path !== source.reader.file.path) {
      source.reader.close();
      source.reader = this.make(source.name, file);
      source.row = { ...source.row, kind: file.kind, path: file.path };
    }
    const absent = await this.absentDefault(source);
    return absent ?? source.reader.read();
  }

  /** The default source is watched under both its names. */
  watchedFiles(source: RegisteredSource): readonly string[] {
    const files = source.reader.watchedFiles();
    if (source.name !== defaultSource) return files;
    return [...new Set([join(this.home, 'hive.yaml'), join(this.home, 'hive.db'), ...files])];
  }

  /** A default source that never had a file is empty; one whose file has vanished is in error like any other. */
  private async absentDefault(source: RegisteredSource): Promise<Reading | null> {
    if (source.row.good !== null && !isNothingYet(source.row.good)) return null;
    if ((await realpath(source.reader.file.path).catch(() => null)) !== null) return null;
    return source.reader.recall(JSON.stringify({ text: nothingYet, dotenv: {} }));
  }
}

function isNothingYet(content: string): boolean {
  return content === JSON.stringify({ text: nothingYet, dotenv: {} });
}

import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { nodeAt, nowhere, spanAt, toPlain, type ConfigNode } from '../../shared/config/config-node.js';
import type { LoadOptions } from '../../shared/config/load-source.js';
import { ProblemList } from '../../shared/config/problem-list.js';
import type { LoadResult, Problem } from '../../shared/config/problem.js';
import { largestFile, readText } from '../../shared/config/read-text.js';
import { readYaml } from '../../shared/config/read-yaml.js';
import type { SourceSpec } from '../../shared/config/service-spec.js';
import type { SourceFile } from './detect-source.js';
import { digestFiles, dotenvFiles, withDotenv, type DotenvDigests } from './dotenv-digests.js';
import { loadText, type LoadedText } from './load-changed-services.js';
import { fileProblem, type Reading, type SourceReader } from './source-reader.js';

/** What a reading's `content` says, as JSON. */
interface YamlContent {
  readonly text: string;
  readonly dotenv: DotenvDigests;
}

/** Reads a hive.yaml and the dotenv files that it names. */
export class YamlReader implements SourceReader {
  /** The last text that was read, for it is often read again unchanged. */
  private last: { readonly text: string; readonly result: LoadResult<SourceSpec> } | null = null;
  /** The last text without problems, on which the next one builds. */
  private good: LoadedText | null = null;
  private files: readonly string[];

  constructor(
    readonly file: SourceFile,
    private readonly options: LoadOptions,
  ) {
    this.files = [file.path];
  }

  async read(): Promise<Reading> {
    const read = await readAsIs(this.file.path);
    if ('message' in read) return { ok: false, problems: [fileProblem(this.file.path, read.message, read.expected)] };
    const result = this.load(read.text);
    if (!result.ok) return result;
    const named = dotenvFiles(result.spec);
    this.files = [this.file.path, ...named];
    return reading(result.spec, { text: read.text, dotenv: await digestFiles(named) });
  }

  async recall(content: string): Promise<Reading> {
    const { text, dotenv = {} } = JSON.parse(content) as Partial<YamlContent>;
    if (text === undefined) return { ok: false, problems: [fileProblem(this.file.path, 'What was stored of this source is not of a YAML file.')] };
    const result = this.load(text);
    return result.ok ? reading(result.spec, { text, dotenv }) : result;
  }

  watchedFiles(): readonly string[] {
    return this.files;
  }

  changedElsewhere(): boolean {
    return false;
  }

  looksCutOff(content: string, live: string): boolean {
    const [{ text = '' }, { text: before = '' }] = [content, live].map((json) => JSON.parse(json) as Partial<YamlContent>) as [Partial<YamlContent>, Partial<YamlContent>];
    return text.length < before.length && before.startsWith(text);
  }

  configOf(content: string, service: string): { config: unknown; revision: null } | null {
    const { tree } = this.tree(content);
    const node = tree === null ? null : nodeAt(tree, ['services', service]);
    return node === null ? null : { config: toPlain(node, service), revision: null };
  }

  textOf(content: string): string | null {
    return (JSON.parse(content) as Partial<YamlContent>).text ?? null;
  }

  problemAt(content: string, path: readonly (string | number)[], message: string): Problem {
    const { tree, problems } = this.tree(content);
    problems.add({ span: tree === null ? nowhere : spanAt(tree, path, 'value'), path, code: 'CONFLICT', message });
    return problems.inOrder()[0] ?? fileProblem(this.file.path, message);
  }

  close(): void {
    this.last = null;
    this.good = null;
  }

  private load(text: string): LoadResult<SourceSpec> {
    if (this.last?.text === text) return this.last.result;
    const { result, loaded } = loadText(text, this.good, this.file.path, this.options);
    this.last = { text, result };
    this.good = loaded ?? this.good;
    return result;
  }

  private tree(content: string): { tree: ConfigNode | null; problems: ProblemList } {
    const { text = '' } = JSON.parse(content) as Partial<YamlContent>;
    const problems = new ProblemList({ kind: 'text', file: this.file.path, text });
    return { tree: readYaml(text, problems), problems };
  }
}

function reading(spec: SourceSpec, content: YamlContent): Reading {
  return { ok: true, spec: withDotenv(spec, content.dotenv), content: JSON.stringify(content), revision: null };
}

type Read = { readonly text: string } | { readonly message: string; readonly expected?: string };

async function readAsIs(path: string): Promise<Read> {
  try {
    // A pipe in the file's place would otherwise hold up the reader until somebody writes.
    const handle = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      const found = await handle.stat();
      if (!found.isFile()) return { message: `${path} is not a file.` };
      if (found.size > largestFile) return { message: `${path} has ${found.size} bytes; a configuration may have at most ${largestFile}.` };
      return readText(await handle.readFile());
    } finally {
      await handle.close();
    }
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') {
      return { message: `${path} is gone.`, expected: 'the file; one that says services: {} takes all services away, and removing the source forgets it' };
    }
    return { message: code === 'EACCES' ? `${path} may not be read by the daemon: permission is denied.` : `${path} cannot be read: ${message}.` };
  }
}

import type { Readable } from 'node:stream';
import { HiveError } from '../../../shared/errors/index.js';
import type { PullPolicy } from '../../../shared/config/service-spec.js';
import { saidBy, statusOf } from './engine-error.js';
import type { EngineConnection } from './engine-connection.js';
import type { Flavour } from './flavour.js';
import { credentialsFor } from './registry-credentials.js';

export interface PullOptions {
  readonly policy: PullPolicy;
  readonly flavour: Flavour;
  readonly onProgress?: ((sentence: string) => void) | undefined;
  readonly stillWanted?: (() => boolean) | undefined;
}

interface PullNews {
  readonly id?: string;
  readonly status?: string;
  readonly progressDetail?: { readonly current?: number; readonly total?: number };
  readonly error?: string;
}

/** Has the image in the engine when it resolves. @throws HiveError IMAGE_NOT_FOUND, SPAWN_FAILED, ENGINE_UNAVAILABLE */
export async function ensureImage(connection: EngineConnection, image: string, { policy, flavour, onProgress, stillWanted }: PullOptions): Promise<void> {
  if (policy !== 'always' && (await isThere(connection, image))) return;
  if (policy === 'never') {
    throw new HiveError('IMAGE_NOT_FOUND', `The image ${image} is not in ${flavour.name}, and pull: never forbids to fetch it.`, { next: `${flavour.name} pull ${image}` });
  }
  onProgress?.(`pulling ${image}`);
  const authconfig = await credentialsFor(image, flavour, process.env);
  try {
    const stream = await connection.call((engine) => engine.pull(image, authconfig === null ? {} : { authconfig }) as Promise<Readable>, 60_000);
    await follow(stream, image, onProgress, stillWanted);
  } catch (thrown) {
    if (thrown instanceof HiveError) throw thrown;
    throw pullFailed(image, saidBy(thrown), statusOf(thrown), authconfig !== null);
  }
  if (!(await isThere(connection, image))) throw pullFailed(image, 'the pull ended without it', null, authconfig !== null);
}

async function isThere(connection: EngineConnection, image: string): Promise<boolean> {
  try {
    await connection.call((engine) => engine.getImage(image).inspect());
    return true;
  } catch (error) {
    if (statusOf(error) === 404) return false;
    throw error;
  }
}

/** Reads the stream of what a pull does to its end. Progress is told at most four times a second. */
async function follow(stream: Readable, image: string, onProgress: PullOptions['onProgress'], stillWanted: PullOptions['stillWanted']): Promise<void> {
  const layers = new Map<string, { current: number; total: number }>();
  let toldAt = 0;
  let rest = '';
  try {
    for await (const chunk of stream as AsyncIterable<Buffer>) {
      const lines = (rest + chunk.toString()).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) if (line.trim() !== '') note(JSON.parse(line) as PullNews);
      if (stillWanted?.() === false) throw new HiveError('SPAWN_FAILED', `The pull of ${image} was called off.`);
      if (performance.now() - toldAt > 250) onProgress?.(describe(image, layers));
      if (performance.now() - toldAt > 250) toldAt = performance.now();
    }
    if (rest.trim() !== '') note(JSON.parse(rest) as PullNews);
  } finally {
    stream.destroy();
  }

  function note({ id, progressDetail, status, error }: PullNews): void {
    if (error !== undefined) throw new Error(error);
    if (id === undefined) return;
    const { current = 0, total = 0 } = progressDetail ?? {};
    const before = layers.get(id) ?? { current: 0, total: 0 };
    if (status === 'Downloading') layers.set(id, { current, total: Math.max(total, before.total) });
    else if (status === 'Pull complete' || status === 'Already exists' || status === 'Download complete') layers.set(id, { current: before.total, total: before.total });
  }
}

/** `pulling nginx:1, 12.5 of 40 MB` */
function describe(image: string, layers: ReadonlyMap<string, { current: number; total: number }>): string {
  const sum = (of: 'current' | 'total'): number => [...layers.values()].reduce((all, layer) => all + layer[of], 0);
  const total = sum('total');
  return total === 0 ? `pulling ${image}` : `pulling ${image}, ${megabytes(sum('current'))} of ${megabytes(total)} MB`;
}

function megabytes(bytes: number): string {
  return (bytes / 1e6).toFixed(bytes < 1e7 ? 1 : 0);
}

function pullFailed(image: string, said: string, status: number | null, loggedIn: boolean): HiveError {
  const missing = status === 404 || /not found|manifest unknown|does not exist|name unknown|no such image/i.test(said);
  const denied = /denied|unauthorized|authentication required|no basic auth credentials/i.test(said);
  if (missing || denied) {
    return new HiveError('IMAGE_NOT_FOUND', `The image ${image} cannot be had: ${said}.`, {
      next: denied && !loggedIn ? 'Check its name, or log in to its registry first (docker login).' : 'Check its name and tag, and whether its registry has it.',
    });
  }
  return new HiveError('SPAWN_FAILED', `The image ${image} could not be pulled: ${said}.`, { next: 'Check whether its registry answers.' });
}

import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { engineKey, type EngineRef } from './runner.js';

/**
 * Which engines this home has ever started something in: `run/.engines`, beside the other truth about what lives. Without
 * it a daemon would not look for containers of services that have left their source meanwhile, or whose state.db is lost.
 */
export class EngineMemory {
  private readonly path: string;
  private readonly known = new Map<string, EngineRef>();

  constructor(home: string) {
    const folder = join(home, 'run');
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    this.path = join(folder, '.engines');
    for (const engine of readEngines(this.path)) this.known.set(engineKey(engine), engine);
  }

  used(): EngineRef[] {
    return [...this.known.values()];
  }

  /** To be called before something is started there. */
  note(engine: EngineRef): void {
    if (this.known.has(engineKey(engine))) return;
    this.known.set(engineKey(engine), engine);
    writeFileSync(`${this.path}.new`, JSON.stringify(this.used()), { mode: 0o600 });
    renameSync(`${this.path}.new`, this.path);
  }
}

function readEngines(path: string): EngineRef[] {
  try {
    const read = JSON.parse(readFileSync(path, 'utf8')) as unknown;
    return Array.isArray(read) ? read.filter(isEngine) : [];
  } catch {
    return [];
  }
}

function isEngine(value: unknown): value is EngineRef {
  const { type, socket } = (value ?? {}) as Partial<EngineRef>;
  return typeof socket === 'string' && ['docker', 'podman', 'compose', 'swarm'].includes(String(type));
}

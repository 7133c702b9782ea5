import { execa } from 'execa';
import { HiveError } from '../../../shared/errors/index.js';

export interface ComposeCall {
  readonly words: readonly string[];
  /** What compose fills in for `${NAME}`. */
  readonly environment: Readonly<Record<string, string>>;
  readonly workingDirectory: string;
  readonly signal?: AbortSignal;
  readonly onLine?: (line: string) => void;
  readonly onPid?: (pid: number) => void;
}

/** What of the daemon's own environment compose needs: to be found, and to find credentials. */
const passedOn = ['PATH', 'HOME', 'XDG_CONFIG_HOME', 'DOCKER_CONFIG', 'DOCKER_CERT_PATH', 'DOCKER_TLS_VERIFY', 'HTTP_PROXY', 'HTTPS_PROXY', 'NO_PROXY'] as const;

/** `docker compose` or `docker-compose`, whichever is there. */
export class ComposeProgram {
  private found: Promise<readonly [string, ...string[]]> | null = null;

  constructor(private readonly socket: string) {}

  /** What it is called by: `docker-compose`. @throws HiveError SPAWN_FAILED when there is none */
  async words(): Promise<readonly [string, ...string[]]> {
    this.found ??= this.find();
    try {
      return await this.found;
    } catch (error) {
      // Somebody may install it while the daemon runs.
      this.found = null;
      throw error;
    }
  }

  /** Runs it to its end; resolves with what it wrote to stdout. @throws HiveError SPAWN_FAILED, with what it complained of */
  async run({ words, environment, workingDirectory, signal, onLine, onPid }: ComposeCall): Promise<string> {
    const [program, ...first] = await this.words();
    const process = execa(program, [...first, ...words], {
      cwd: workingDirectory, env: this.environment(environment), extendEnv: false, reject: false, stdin: 'ignore', ...(signal === undefined ? {} : { cancelSignal: signal }),
    });
    if (process.pid !== undefined) onPid?.(process.pid);
    if (onLine !== undefined) void (async () => { for await (const line of process.iterable({ from: 'stderr' })) onLine(line); })().catch(() => undefined);
    const { failed, stdout, stderr, shortMessage, isCanceled } = await process;
    if (!failed) return stdout;
    if (isCanceled) throw new HiveError('SPAWN_FAILED', 'It was called off.');
    throw new HiveError('SPAWN_FAILED', `${[program, ...first].join(' ')} says: ${complaint(stderr) ?? shortMessage}.`, { next: 'Mend the compose file, or try it by hand.' });
  }

  /** The service's variables, and what the program itself needs, which the service must not change. */
  environment(ofService: Readonly<Record<string, string>>): Record<string, string> {
    const own = Object.fromEntries(passedOn.flatMap((name) => (process.env[name] === undefined ? [] : [[name, process.env[name]]])));
    const host = /^(?:tcp|http):/.test(this.socket) ? this.socket : `unix://${this.socket}`;
    return { ...ofService, ...own, DOCKER_HOST: host, COMPOSE_INTERACTIVE_NO_CLI: '1' };
  }

  private async find(): Promise<readonly [string, ...string[]]> {
    const answers = async (program: string, ...words: string[]): Promise<boolean> => !(await execa(program, [...words, 'version'], { reject: false, stdio: 'ignore', timeout: 30_000 })).failed;
    if (await answers('docker', 'compose')) return ['docker', 'compose'];
    if (await answers('docker-compose')) return ['docker-compose'];
    throw new HiveError('SPAWN_FAILED', 'Neither `docker compose` nor `docker-compose` is installed.', { next: 'apt-get install docker-compose' });
  }
}

/** The lines in which compose says what is wrong, without those that tell what it did before. */
function complaint(stderr: string): string | null {
  const lines = stderr.split('\n').map((line) => line.trim()).filter((line) => line !== '' && !/^(?:WARNING|WARN|time=.*level=warning)|variable is not set/.test(line));
  const first = lines.findIndex((line) => /^(?:ERROR|Error|error|yaml:|service |no such|invalid|Encountered)/.test(line));
  const said = (first === -1 ? lines.slice(-3) : lines.slice(first, first + 6)).map((line) => line.replace(/^ERROR: /, '')).join(' ').replace(/\.$/, '');
  return said === '' ? null : said;
}

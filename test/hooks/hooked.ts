import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Service } from '../../shared/protocol/results.js';
import { journalOf } from '../support/journal.js';
import { TestHive } from '../support/test-hive.js';
import { until } from '../support/until.js';

/** A daemon with a source `app` whose hooks and services write a story, one word a line, into a file of its folder. */
export class Hooked {
  private constructor(readonly hive: TestHive, readonly folder: string) {}

  static async started(yaml: string, environment: Record<string, string> = {}): Promise<Hooked> {
    const hive = await TestHive.started(environment);
    return new Hooked(hive, await hive.addSource('app', yaml));
  }

  story(): string[] {
    const file = join(this.folder, 'story');
    return existsSync(file) ? readFileSync(file, 'utf8').split('\n').slice(0, -1) : [];
  }

  storyWhen(condition: (story: string[]) => boolean, what = 'the story to go on'): Promise<string[]> {
    return until(() => {
      const story = this.story();
      return condition(story) ? story : undefined;
    }, `${what}; so far: ${this.story().join(' ')}`);
  }

  tells(word: string, times = 1): Promise<string[]> {
    return this.storyWhen((story) => story.filter((one) => one === word).length >= times, `${word} (${times})`);
  }

  /** Makes a file that a hook waits for. */
  touch(name: string): void {
    writeFileSync(join(this.folder, name), '');
  }

  async rewrite(yaml: string): Promise<void> {
    writeFileSync(join(this.folder, '.adi/hive.yaml'), yaml);
    await this.hive.client.reloadSource({ name: 'app' });
  }

  up(fqn = 'app:web', timeoutMs = 20_000): Promise<Service> {
    return this.hive.client.waitForService({ fqn, for: 'healthy', timeoutMs });
  }

  down(fqn = 'app:web', timeoutMs = 20_000): Promise<Service> {
    return this.hive.client.waitForService({ fqn, for: 'stopped', timeoutMs });
  }

  /** The events about hooks, as `hook.failed post-up 2 retry`. */
  async hookEvents(service = 'app:web'): Promise<string[]> {
    const events = await journalOf(this.hive.client, ['hook.started', 'hook.finished', 'hook.failed']);
    return events.flatMap((event) => {
      if (event.type !== 'hook.started' && event.type !== 'hook.finished' && event.type !== 'hook.failed') return [];
      if (event.service !== service) return [];
      return [`${event.type.slice(5)} ${event.hook} ${event.step}${event.type === 'hook.failed' ? ` ${event.follows}` : ''}`];
    });
  }

  end(): Promise<void> {
    return this.hive.end();
  }
}

/** For `run`: writes a word into the story. */
export const says = (word: string): string => `echo ${word} >> story`;

/** For `run`: writes a word, and waits until there is a file of that name with `.go`; `.term` when it is stopped. */
export const waits = (word: string): string => `trap 'echo ${word}.term >> story; exit 1' TERM; echo ${word} >> story; until [ -e ${word}.go ]; do sleep 0.02; done`;

export const script = (run: string): string => `runner: {type: script, script: {run: ${JSON.stringify(run)}}}`;

export const hook = (...steps: readonly (string | Record<string, unknown>)[]): string =>
  JSON.stringify(steps.map((step) => (typeof step === 'string' ? { run: step } : step)));

/** A service that says when it starts and when it is stopped; healthy in between. */
export const tellingService = "trap 'rm alive; echo TERM >> story; exit 0' TERM; echo run >> story; touch alive; while :; do sleep 0.02; done";

export const oneService = (hooks: Record<string, string>, more = ''): string => `
version: "1"
services:
  web:
    ${script(tellingService)}
    restart: {policy: always, delay: 50ms}
    stop: {grace: 2s}
    healthcheck: {type: cmd, cmd: {command: "[ -e alive ]", interval: 1s}}
    hooks: {${Object.entries(hooks).map(([name, steps]) => `${name}: ${steps}`).join(', ')}}
    ${more}
`;

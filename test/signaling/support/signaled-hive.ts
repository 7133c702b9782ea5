import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { SignalingServer, type Message } from '../../../examples/signaling/signaling-server.js';
import { packageRoot } from '../../../shared/package-root.js';
import type { Plugin } from '../../../shared/protocol/results.js';
import { freePort } from '../../support/free-port.js';
import { TestHive } from '../../support/test-hive.js';
import { until } from '../../support/until.js';

export const sleeper = join(packageRoot(), 'test/fixtures/cocoons/sleeps.sh');
export const talker = join(packageRoot(), 'examples/signaling/cocoon.mjs');
export const hiveId = 'test-hive';
export const hiveSecret = 'planted-hive-secret';

/** What `hivectl plugin call signaling-control status` answers. */
export interface PluginStatus {
  readonly link: { readonly state: string; readonly reason?: string };
  readonly cocoons: { readonly count: number; readonly most: number };
  readonly requests: { readonly underWay: number; readonly remembered: number; readonly unanswered: number };
  readonly frames?: { readonly connections: number; readonly malformed: number; readonly unknown: number; readonly serverErrors: number };
}

/** A real daemon with the plugin, registered at a real signaling server. */
export class SignaledHive {
  /** Every answer that came, in order. */
  readonly answers: Message[] = [];
  readonly registrations: Message[] = [];
  url = '';
  /** Of the front door. */
  private port = 0;
  server!: SignalingServer;
  hive!: TestHive;

  static async started(environment: Record<string, string> = {}): Promise<SignaledHive> {
    const signaled = new SignaledHive();
    await signaled.serve();
    signaled.hive = new TestHive({
      SIGNALING_SERVER_URL: signaled.url, HIVE_ID: hiveId, HIVE_SECRET: hiveSecret, COCOON_RUNNER_TYPE: 'script', COCOON_SCRIPT_PATH: sleeper, ...environment,
    });
    signaled.port = await freePort();
    signaled.writeSettings({});
    await signaled.hive.start();
    await signaled.registered();
    return signaled;
  }

  /** Writes the plugin's settings into hive.yaml, beside what the environment says. */
  writeSettings(settings: object): void {
    writeFileSync(join(this.hive.home, 'hive.yaml'), JSON.stringify({ version: '1', proxy: { bind: [`127.0.0.1:${this.port}`] }, services: {}, plugins: { 'signaling-control': settings } }));
  }

  /** The same, and waits until they are taken. */
  async settings(settings: object): Promise<void> {
    this.writeSettings(settings);
    await this.hive.client.reloadSource({ name: 'default' });
  }

  /** Starts a signaling server, at the same address as the one before. */
  async serve(): Promise<void> {
    this.server = new SignalingServer({
      secret: hiveSecret,
      onMessage: (_, message) => void this.answers.push(message),
      onRegistered: (_, message) => void this.registrations.push(message),
    });
    this.url = await this.server.listen(this.url === '' ? 0 : Number(new URL(this.url).port));
  }

  async registered(): Promise<void> {
    await until(() => (this.server.hives.includes(hiveId) ? true : undefined), 'the Hive to be registered');
  }

  spawn(fields: { request_id: string } & Record<string, unknown>, withinMs?: number): Promise<Message> {
    return this.server.ask(hiveId, 'spawn_cocoon', { setup_token: 'planted-token', kind: 'default', ...fields }, withinMs);
  }

  terminate(fields: { request_id: string; container_id: string }): Promise<Message> {
    return this.server.ask(hiveId, 'terminate_cocoon', fields);
  }

  send(message: Message): void {
    if (!this.server.send(hiveId, message)) throw new Error('The Hive is not registered.');
  }

  async answerTo(requestId: string, withinMs?: number): Promise<Message> {
    return until(() => this.answers.find(({ request_id: id }) => id === requestId), `an answer to ${requestId}`, withinMs);
  }

  /** The names of the cocoons that there are. */
  async cocoons(): Promise<string[]> {
    const { services } = await this.hive.client.listServices();
    return services.filter(({ source }) => source === 'cocoons').map(({ name }) => name).sort();
  }

  async plugin(): Promise<Plugin> {
    return this.hive.client.getPlugin({ plugin: 'signaling-control' });
  }

  async status(): Promise<PluginStatus> {
    return (await this.hive.client.callPlugin({ plugin: 'signaling-control', method: 'status' })) as PluginStatus;
  }

  /** What the process of a cocoon has in its environment, once it is the cocoon and not the shell that starts it. */
  async environmentOf(name: string): Promise<Record<string, string>> {
    const { instances } = await this.hive.service(`cocoons:${name}`);
    return until(() => {
      const text = readFileSync(`/proc/${instances[0]?.pid}/environ`, 'utf8');
      const variables = Object.fromEntries(text.split('\0').filter((line) => line !== '').map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]));
      return 'COCOON_NAME' in variables ? variables : undefined;
    }, `the environment of ${name}`);
  }

  async end(): Promise<void> {
    try {
      await this.hive.end();
    } finally {
      await this.server.close();
    }
  }
}

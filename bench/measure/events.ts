import Database from 'better-sqlite3';
import { fork } from 'node:child_process';
import { join } from 'node:path';
import { packageRoot } from '../../shared/package-root.js';
import { startHiveDaemon } from '../peers/hive.js';
import { markedEnvironment } from '../tools/endings.js';
import { answerOf } from '../tools/answer-of.js';
import { median } from '../tools/statistics.js';

/**
 * Events a second that a daemon hands to one subscriber, which has so many of them to catch up with: a journal is filled
 * while no daemon runs, then read from its beginning. The subscriber is a process of its own.
 */
export async function measureEvents(folder: string, events: number, rounds: number): Promise<number> {
  const home = join(folder, 'home');
  await (await startHiveDaemon(home)).stop();
  fillJournal(join(home, 'state.db'), events);
  const daemon = await startHiveDaemon(home);
  try {
    const rates: number[] = [];
    for (let round = 0; round < rounds; round += 1) {
      const subscriber = fork(join(packageRoot(), 'dist', 'bench', 'measure', 'event-client.js'), [daemon.socket, String(events)], {
        env: { ...process.env, ...markedEnvironment },
      });
      rates.push(await answerOf(subscriber));
    }
    return median(rates);
  } finally {
    await daemon.stop();
  }
}

function fillJournal(path: string, count: number): void {
  const database = new Database(path);
  const epoch = database.prepare("SELECT value FROM meta WHERE key = 'epoch'").pluck().get() as string;
  const head = database.prepare('SELECT coalesce(max(seq), 0) FROM events').pluck().get() as number;
  const insert = database.prepare('INSERT INTO events (seq, time, type, service, body) VALUES (?, ?, ?, ?, ?)');
  const now = Date.now();
  database.transaction(() => {
    for (let seq = head + 1; seq <= head + count; seq += 1) {
      const body = {
        epoch, seq, time: new Date(now).toISOString(), type: 'service.healthChanged', service: 'shop:checkout', instance: 'shop:checkout#1',
        healthy: true, check: 'http GET /health on port http', detail: 'GET http://127.0.0.1:8012/health answered 200 in 3 ms',
      };
      insert.run(seq, now, body.type, body.service, JSON.stringify(body));
    }
  })();
  database.close();
}

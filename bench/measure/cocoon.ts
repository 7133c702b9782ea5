import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { SignalingServer } from '../../examples/signaling/signaling-server.js';
import { packageRoot } from '../../shared/package-root.js';
import { startHiveDaemon } from '../peers/hive.js';
import { markedEnvironment } from '../tools/endings.js';
import { median } from '../tools/statistics.js';
import { waitUntil } from '../tools/wait-until.js';

const hiveId = 'bench';

/** Milliseconds between a request for a cocoon, as a WebSocket frame, and the answer that it runs; the median of so many, with the script runner. */
export async function measureCocoon(folder: string, cocoons: number): Promise<number> {
  const home = join(folder, 'home');
  const server = new SignalingServer({ secret: 'bench' });
  const url = await server.listen();
  mkdirSync(home, { recursive: true, mode: 0o700 });
  const service = { environment: { static: markedEnvironment }, stop: { grace: '1s' } };
  writeFileSync(join(home, 'hive.yaml'), JSON.stringify({
    version: '1', proxy: { bind: ['127.0.0.1:0'] }, services: {},
    plugins: { 'signaling-control': { url, hive_id: hiveId, secret: 'bench', runner: 'script', kinds: { default: { script_path: join(packageRoot(), 'test/fixtures/cocoons/sleeps.sh'), service } } } },
  }));
  const daemon = await startHiveDaemon(home);
  try {
    await waitUntil('the plugin to register', async () => server.hives.includes(hiveId), 30_000, 20);
    const times: number[] = [];
    // The first one makes the source, and the route starts the proxy.
    for (let number = 0; number <= cocoons; number += 1) {
      const beganAt = performance.now();
      const answer = await server.ask(hiveId, 'spawn_cocoon', { request_id: `bench-${number}`, setup_token: 'bench', kind: 'default' });
      if (answer['success'] !== true) throw new Error(`no cocoon: ${String(answer['error'])}`);
      if (number > 0) times.push(performance.now() - beganAt);
    }
    return median(times);
  } finally {
    await daemon.stop();
    await server.close();
  }
}

import { findProgram, startInBackground } from '../tools/run-command.js';
import { descendants } from '../tools/children.js';
import { waitUntil } from '../tools/wait-until.js';
import type { Peer, Plan, Supervisor } from './peer.js';
import { writeServiceFolders } from './service-folders.js';

/** Starts with runsvdir on a full folder: it looks for new services only every five seconds. */
export const runit: Peer = {
  name: 'runit',
  howToGet: 'apt-get install runit',

  find: async () => ((await findProgram('runsvdir')) === null ? null : 'installed'),

  async prepare({ folder, services }: Plan): Promise<Supervisor> {
    const scanned = writeServiceFolders(folder, services);
    let scanner: ReturnType<typeof startInBackground> | null = null;
    return {
      start: async () => {
        scanner = startInBackground({ file: 'runsvdir', args: ['-P', scanned] });
      },
      processes: (servicePids): Record<string, number[]> => (scanner === null ? {} : { runsvdir: [scanner.pid], runsv: descendants(scanner.pid, servicePids) }),
      outputBytes: null,
      askStatus: null,
      statusCommand: null,
      stop: async () => {
        if (scanner === null) return;
        const runsv = descendants(scanner.pid);
        process.kill(scanner.pid, 'SIGHUP');
        await scanner.ended;
        await waitUntil('runsv to end', () => !runsv.some(lives), 20_000, 20);
      },
    };
  },
};

function lives(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

import { findProgram, runCommand, startInBackground } from '../tools/run-command.js';
import { descendants } from '../tools/children.js';
import type { Peer, Plan, Supervisor } from './peer.js';
import { writeServiceFolders } from './service-folders.js';

/** Starts with s6-svscan on a full folder. */
export const s6: Peer = {
  name: 's6',
  howToGet: 'apt-get install s6',

  find: async () => ((await findProgram('s6-svscan')) === null ? null : 'installed'),

  async prepare({ folder, services }: Plan): Promise<Supervisor> {
    const scanned = writeServiceFolders(folder, services);
    let scanner: ReturnType<typeof startInBackground> | null = null;
    return {
      start: async () => {
        // Without -c it takes no more than 500 services.
        scanner = startInBackground({ file: 's6-svscan', args: ['-c', String(services.length + 10), scanned] });
      },
      processes: (servicePids): Record<string, number[]> => (scanner === null ? {} : { 's6-svscan': [scanner.pid], 's6-supervise': descendants(scanner.pid, servicePids) }),
      outputBytes: null,
      askStatus: null,
      statusCommand: null,
      stop: async () => {
        if (scanner === null) return;
        await runCommand({ file: 's6-svscanctl', args: ['-t', scanned] });
        await scanner.ended;
      },
    };
  },
};

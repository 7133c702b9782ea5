import { command, group } from './command.js';

const snapshot = { snapshot: { kind: 'text', describe: 'its id or the beginning of it; default: the newest' } } as const;
const timeout = { timeout: { type: 'string', default: '10m', describe: 'how long it may take' } } as const;
const elsewhere = {
  from: { type: 'string', describe: 'another place than hive.yaml says: /folder or s3://bucket/prefix?endpoint=…' },
  'key-file': { type: 'string', describe: 'the key to what is there; or put a passphrase into HIVE_BACKUP_PASSPHRASE' },
} as const;
const load = () => import('../commands/backup.js');

export const backupCommands = group('backup', 'snapshots of configuration and of what is wanted', [
  command({ name: 'create', options: timeout, describe: 'make a snapshot now, and verify it', run: async (context, args) => (await load()).createBackup(context, args) }),
  command({ name: 'list', aliases: ['ls'], options: { ...elsewhere, ...timeout }, describe: 'the snapshots there are, newest first', run: async (context, args) => (await load()).listBackups(context, args) }),
  command({
    name: 'verify', positionals: snapshot, options: { ...elsewhere, ...timeout },
    describe: 'restore a snapshot to scratch and compare it, bit by bit',
    run: async (context, args) => (await load()).verifyBackup(context, args),
  }),
  command({
    name: 'restore', positionals: snapshot,
    options: {
      only: { type: 'string', describe: 'one service: source:name' },
      yes: { type: 'boolean', alias: 'y', describe: 'do it; without, only say what would be done' },
      ...elsewhere, ...timeout,
    },
    describe: 'put back what a snapshot holds, in this daemon or an empty one; shows the plan first',
    run: async (context, args) => (await load()).restoreBackup(context, args),
  }),
]);

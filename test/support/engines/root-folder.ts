import { copyFileSync, mkdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';

/** A root folder for an image of one program: busybox under the names that tests use. */
export function makeRootFolder(folder: string): string {
  const bin = join(folder, 'rootfs/bin');
  mkdirSync(bin, { recursive: true });
  mkdirSync(join(folder, 'rootfs/tmp'), { recursive: true });
  copyFileSync('/bin/busybox', join(bin, 'busybox'));
  for (const name of ['sh', 'httpd', 'sleep', 'cat', 'wget', 'nc', 'env', 'touch', 'mkdir', 'ls', 'seq', 'kill', 'ps', 'dd', 'id', 'date', 'true', 'usleep', 'head', 'stat', 'test', 'grep', 'tr']) symlinkSync('busybox', join(bin, name));
  return join(folder, 'rootfs');
}

import { execFileSync } from 'node:child_process';
import { mkdirSync, statSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import path from 'node:path';

/** A pod's container disk, below its folder. */
export const diskOf = (directory: string): string => path.join(directory, 'disk');

/** Gives a pod a container disk of so many bytes that really fills up, unless it has one. Needs the right to mount. */
export function limitDisk(directory: string, bytes: number): void {
  const disk = diskOf(directory);
  if (isMounted(disk)) return;
  mkdirSync(disk, { recursive: true, mode: 0o700 });
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${String(bytes)},mode=700`, 'tmpfs', disk], { stdio: 'ignore' });
}

/** Removes a pod's container disk. */
export async function wipeDisk(directory: string): Promise<void> {
  const disk = diskOf(directory);
  if (isMounted(disk)) execFileSync('umount', ['-l', disk], { stdio: 'ignore' });
  await rm(disk, { recursive: true, force: true, maxRetries: 3 });
}

function isMounted(folder: string): boolean {
  const own = statSync(folder, { throwIfNoEntry: false });
  return own !== undefined && own.dev !== statSync(path.dirname(folder)).dev;
}

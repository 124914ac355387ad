import { execFileSync } from 'node:child_process';
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';

/** Volumes on small memory disks, so that they really fill up: the kernel answers ENOSPC. Needs the right to mount. */
export class SmallVolumes {
  readonly #mounted = new Set<string>();

  /** Puts a disk of so many bytes below the folder; what is in it moves there. */
  limit(folder: string, bytes: number): void {
    this.#release(folder);
    this.#replace(folder, () => {
      execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${String(bytes)},mode=755`, 'tmpfs', folder], {
        stdio: ['ignore', 'ignore', 'pipe'],
      });
      this.#mounted.add(folder);
    });
  }

  /** Gives every volume the machine's disk back, with what is in it. */
  restore(): void {
    for (const folder of this.#mounted) this.#release(folder);
  }

  #release(folder: string): void {
    if (!this.#mounted.delete(folder)) return;
    this.#replace(folder, () => execFileSync('umount', ['-l', folder], { stdio: 'ignore' }));
  }

  /** Carries the folder's files over a change of the disk below it. */
  #replace(folder: string, change: () => void): void {
    const copy = mkdtempSync(path.join(os.tmpdir(), 'sandbox-volume-'));
    try {
      cpSync(folder, copy, { recursive: true, verbatimSymlinks: true });
      change();
      cpSync(copy, folder, { recursive: true, verbatimSymlinks: true, force: true });
    } finally {
      rmSync(copy, { recursive: true, force: true });
    }
  }
}

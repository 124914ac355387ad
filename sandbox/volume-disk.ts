import { spawn, type ChildProcess } from 'node:child_process';
import { mkdirSync, renameSync, rmdirSync } from 'node:fs';
import path from 'node:path';

const script = path.join(import.meta.dirname, 'disk', 'disk.py');

/** What a disk can refuse: writing into a file, making a name, and what a program waits for to be safe. */
export type DiskCall = 'write' | 'make' | 'fsync';
export type DiskError = 'EIO' | 'ENOSPC' | 'EDQUOT' | 'EROFS';

/**
 * A volume that another program serves, as the platform's network volumes are served. It is bad for a time and then
 * good again by itself, because whoever looks into a disk that hangs waits with it.
 */
export class VolumeDisk {
  readonly #child: ChildProcess;
  readonly #ended: Promise<void>;

  readonly #folder: string;
  readonly #store: string;

  private constructor(child: ChildProcess, folder: string, store: string) {
    this.#child = child;
    this.#folder = folder;
    this.#store = store;
    this.#ended = new Promise((resolve) => child.once('exit', () => resolve()));
  }

  /** Serves what lies in `folder` there; the files themselves move to `store`, which must not exist. */
  static async open(folder: string, store: string): Promise<VolumeDisk> {
    mkdirSync(path.dirname(store), { recursive: true });
    renameSync(folder, store);
    mkdirSync(folder);
    const child = spawn('python3', ['-I', '-B', script, store, folder], { stdio: ['pipe', 'pipe', 'pipe'] });
    let wrong = '';
    child.stderr.on('data', (text: Buffer) => (wrong += text.toString()));
    await new Promise<void>((resolve, reject) => {
      child.stdout.once('data', () => resolve());
      child.once('error', reject);
      child.once('exit', () => reject(new Error(`The disk of ${folder} cannot be served: ${wrong.trim()}`)));
    });
    return new VolumeDisk(child, folder, store);
  }

  /** Nothing is answered for so many seconds, neither reads nor writes. */
  hang(seconds: number): void {
    this.#tell({ hang: seconds });
  }

  /** Such calls are refused for so many seconds. */
  fail(fail: Partial<Record<DiskCall, DiskError>>, seconds: number): void {
    this.#tell({ fail, seconds });
  }

  /** Takes the disk away and gives the folder its files back. */
  async close(): Promise<void> {
    this.#child.stdin?.end();
    await this.#ended;
    rmdirSync(this.#folder);
    renameSync(this.#store, this.#folder);
  }

  #tell(weather: object): void {
    this.#child.stdin?.write(`${JSON.stringify(weather)}\n`);
  }
}

import type { Client, SFTPWrapper } from 'ssh2';
import type SftpClient from 'ssh2-sftp-client';
import type { FileAttributes, FileService } from './file-service.ts';

type Done<T> = (error: Error | null | undefined, value: T) => void;

/** The file service as the library speaks it. It takes the first bytes that come for a packet: see `SftpChannel`. */
export class SftpLibrary implements FileService {
  readonly #sftp: SFTPWrapper;
  /** Ends the calls that wait for an answer: the library forgets some of them when the link is lost. */
  readonly #waiting = new Set<(error: Error) => void>();
  #isOver = false;

  constructor(sftp: SFTPWrapper) {
    this.#sftp = sftp;
    sftp.once('close', () => this.abandon());
  }

  onEnd(tell: () => void): void {
    this.#sftp.once('close', tell);
  }

  abandon(): void {
    this.#isOver = true;
    for (const reject of this.#waiting) {
      reject(ended());
    }
    this.#waiting.clear();
  }

  open(path: string, flags: number): Promise<Buffer> {
    return this.#call((done) => this.#sftp.open(path, flags, done));
  }

  close(handle: Buffer): Promise<void> {
    return this.#call((done) => this.#sftp.close(handle, (error) => done(error)));
  }

  async read(handle: Buffer, position: number, length: number): Promise<Buffer> {
    const buffer = Buffer.allocUnsafe(length);
    const filled = await this.#call<number>((done) => this.#sftp.read(handle, buffer, 0, length, position, done));
    return buffer.subarray(0, filled);
  }

  write(handle: Buffer, position: number, data: Buffer): Promise<void> {
    return this.#call((done) => this.#sftp.write(handle, data, 0, data.length, position, (error) => done(error)));
  }

  remove(path: string): Promise<void> {
    return this.#call((done) => this.#sftp.unlink(path, (error) => done(error)));
  }

  makeFolder(path: string): Promise<void> {
    return this.#call((done) => this.#sftp.mkdir(path, (error) => done(error)));
  }

  realPath(path: string): Promise<string> {
    return this.#call((done) => this.#sftp.realpath(path, done));
  }

  async attributes(of: Buffer | string): Promise<FileAttributes> {
    const stats = await this.#call<{ size: number; isDirectory: () => boolean }>((done) => {
      if (typeof of === 'string') {
        this.#sftp.stat(of, done);
      } else {
        this.#sftp.fstat(of, done);
      }
    });
    return { size: stats.size, isFolder: stats.isDirectory() };
  }

  #call<T = void>(start: (done: (error: Error | null | undefined, value?: T) => void) => unknown): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      if (this.#isOver) {
        reject(ended());
        return;
      }
      this.#waiting.add(reject);
      const done: Done<T | undefined> = (error, value) => {
        this.#waiting.delete(reject);
        if (error) {
          reject(error);
        } else {
          resolve(value as T);
        }
      };
      try {
        start(done);
      } catch (error) {
        done(error as Error, undefined);
      }
    });
  }
}

const ended = (): Error => new Error('The file service of the pod ended.');

/** A client of the library that keeps its errors to itself. */
export async function libraryClient(): Promise<SftpClient> {
  const ignore = (): void => undefined;
  // Without handlers of ours the library writes to the console.
  const { default: LibraryClient } = await import('ssh2-sftp-client');
  return new LibraryClient('runpod-trainer', { error: ignore, end: ignore, close: ignore });
}

/** The SSH client below it: the library has it, though its types do not say so. */
export function sshClientOf(library: SftpClient): Client {
  return Reflect.get(library, 'client') as Client;
}

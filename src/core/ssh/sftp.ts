import { createHash } from 'node:crypto';
import type { FileHandle } from 'node:fs/promises';
import { open } from 'node:fs/promises';
import type net from 'node:net';
import type { SFTPWrapper } from 'ssh2';
import type SftpClient from 'ssh2-sftp-client';
import { throwIfCancelled } from '../errors.ts';
import { abortable } from './abortable.ts';
import { watchLink } from './dial.ts';
import type { SshError, SshTarget } from './errors.ts';
import { lost, sftpFailed } from './errors.ts';
import type { Login } from './login.ts';
import { logIn } from './login.ts';

export interface Moved {
  bytes: number;
  /** Of the bytes that were read at the source, lower-case hex. */
  sha256: string;
}

export interface MoveOptions {
  signal?: AbortSignal | undefined;
  /** Called with the number of further bytes that arrived at the destination. */
  onBytes?: ((bytes: number) => void) | undefined;
}

/**
 * The largest message OpenSSH takes, and enough of them under way to fill its window (2 MiB) twice. Less than this
 * waits for the network between messages.
 */
const chunkSize = 255 * 1024;
const chunksUnderWay = 16;

/** Opens a connection for files only, so that large files never delay commands. */
export async function openSftp(login: Login): Promise<SftpSession> {
  const ignore = (): void => undefined;
  // Without handlers of ours the library writes to the console.
  const { default: Client } = await import('ssh2-sftp-client');
  const client = new Client('runpod-trainer', { error: ignore, end: ignore, close: ignore });
  const { socket, value } = await logIn(login, { timeoutMs: 20_000, signal: undefined }, (config) =>
    client.connect(config),
  );
  return new SftpSession(client, value, socket, login);
}

/**
 * Files at the far end. Data moves in many messages at a time and its sha256 is computed on the way. Calls reject with
 * code `ssh-lost` when the connection ends, `ssh-sftp` when the far end refuses, the local error (`ENOENT`, …) as it
 * is, and CancelledError.
 */
export class SftpSession {
  /** Settles when the session has ended, for whatever reason. */
  readonly closed: Promise<void>;
  readonly #client: SftpClient;
  readonly #sftp: SFTPWrapper;
  readonly #socket: net.Socket;
  readonly #target: SshTarget;
  /** Ends the calls that wait for an answer: the library forgets some of them when the link is lost. */
  readonly #waiting = new Set<() => void>();
  #reason: Error | undefined;

  constructor(client: SftpClient, sftp: SFTPWrapper, socket: net.Socket, login: Login) {
    this.#client = client;
    this.#sftp = sftp;
    this.#socket = socket;
    this.#target = login.target;
    const die = (reason: Error): void => {
      this.#reason ??= reason;
      socket.destroy();
    };
    const stopWatch = watchLink(socket, login.pingMs, die);
    sftp.once('close', () => die(new Error('The file service of the pod ended.')));
    this.closed = new Promise((resolve) => {
      const end = (): void => {
        stopWatch();
        resolve();
        for (const giveUp of this.#waiting) {
          giveUp();
        }
      };
      socket.once('close', end);
      if (socket.destroyed) {
        end();
      }
    });
  }

  /** Makes a folder and those above it. */
  async makeFolder(remote: string): Promise<void> {
    try {
      await this.#client.mkdir(remote, true);
    } catch (error) {
      throw this.#explain(error, `make the folder ${remote}`);
    }
  }

  async remove(remote: string): Promise<void> {
    await this.#call<undefined>(`remove ${remote}`, (done) => {
      this.#sftp.unlink(remote, (error) => done(error, undefined));
    });
  }

  /** Writes a local file or bytes to `remote`, replacing what is there. */
  async put(source: string | Buffer, remote: string, options: MoveOptions = {}): Promise<Moved> {
    throwIfCancelled(options.signal);
    const local = typeof source === 'string' ? await open(source, 'r') : undefined;
    try {
      const handle = await this.#open(remote, 'w');
      return await this.#closing(handle, remote, async () => {
        let position = 0;
        const next = async (): Promise<Buffer> => {
          if (local !== undefined) {
            return readChunk(local);
          }
          return (source as Buffer).subarray(position, position + chunkSize);
        };
        return this.#write(handle, remote, options, async () => {
          const chunk = await next();
          position += chunk.length;
          return chunk;
        });
      });
    } finally {
      await local?.close();
    }
  }

  /** Reads `remote` into a new local file; rejects with `EEXIST` when there is one, also when it is a link. */
  async get(remote: string, local: string, options: MoveOptions = {}): Promise<Moved> {
    throwIfCancelled(options.signal);
    const file = await open(local, 'wx');
    try {
      const handle = await this.#open(remote, 'r');
      return await this.#closing(handle, remote, () => this.#read(handle, remote, file, options));
    } finally {
      await file.close();
    }
  }

  close(): void {
    this.#reason ??= new Error('It was closed here.');
    this.#client.end().catch(() => undefined);
    setTimeout(() => this.#socket.destroy(), 1000).unref();
  }

  async #write(handle: Buffer, remote: string, options: MoveOptions, next: () => Promise<Buffer>): Promise<Moved> {
    const hash = createHash('sha256');
    const underWay = new Set<Promise<void>>();
    const broken: { error?: Error } = {};
    let position = 0;
    for (let chunk = await next(); chunk.length > 0; chunk = await next()) {
      this.#stopWhenAsked(options, broken);
      hash.update(chunk);
      const at = position;
      const data = chunk;
      const sent: Promise<void> = this.#call<undefined>(`write ${remote}`, (done) => {
        this.#sftp.write(handle, data, 0, data.length, at, (error) => done(error, undefined));
      })
        .then(() => options.onBytes?.(data.length))
        .catch((error: unknown) => {
          broken.error ??= error as Error;
        })
        .finally(() => underWay.delete(sent));
      underWay.add(sent);
      position += chunk.length;
      if (underWay.size >= chunksUnderWay) {
        await abortable(Promise.race(underWay), options.signal);
      }
    }
    await abortable(Promise.all(underWay), options.signal);
    this.#stopWhenAsked(options, broken);
    return { bytes: position, sha256: hash.digest('hex') };
  }

  async #read(handle: Buffer, remote: string, file: FileHandle, options: MoveOptions): Promise<Moved> {
    const { size } = await this.#call<{ size: number }>(`look at ${remote}`, (done) => {
      this.#sftp.fstat(handle, done);
    });
    const hash = createHash('sha256');
    const underWay: Promise<Buffer>[] = [];
    let asked = 0;
    let position = 0;
    while (position < size) {
      while (asked < size && underWay.length < chunksUnderWay) {
        const chunk = this.#readAt(handle, remote, asked, Math.min(chunkSize, size - asked));
        chunk.catch(() => undefined);
        underWay.push(chunk);
        asked += chunkSize;
      }
      const chunk = await abortable(underWay.shift() ?? Promise.resolve(Buffer.alloc(0)), options.signal);
      hash.update(chunk);
      await file.write(chunk, 0, chunk.length, position);
      position += chunk.length;
      options.onBytes?.(chunk.length);
    }
    return { bytes: position, sha256: hash.digest('hex') };
  }

  /** Exactly `length` bytes; a file that is shorter by now is an error. */
  async #readAt(handle: Buffer, remote: string, position: number, length: number): Promise<Buffer> {
    const buffer = Buffer.allocUnsafe(length);
    let filled = 0;
    while (filled < length) {
      const offset = filled;
      filled += await this.#call<number>(`read ${remote}`, (done) => {
        this.#sftp.read(handle, buffer, offset, length - offset, position + offset, done);
      });
    }
    return buffer;
  }

  #open(remote: string, flags: 'r' | 'w'): Promise<Buffer> {
    return this.#call<Buffer>(`open ${remote}`, (done) => {
      this.#sftp.open(remote, flags, done);
    });
  }

  /** Runs `work` and closes the handle; an error of closing counts, for there a network disk may report lost writes. */
  async #closing(handle: Buffer, remote: string, work: () => Promise<Moved>): Promise<Moved> {
    const close = (): Promise<undefined> =>
      this.#call<undefined>(`finish ${remote}`, (done) => {
        this.#sftp.close(handle, (error) => done(error, undefined));
      });
    let moved: Moved;
    try {
      moved = await work();
    } catch (error) {
      close().catch(() => undefined);
      throw error;
    }
    await close();
    return moved;
  }

  #stopWhenAsked(options: MoveOptions, broken: { error?: Error }): void {
    throwIfCancelled(options.signal);
    if (broken.error !== undefined) {
      throw broken.error;
    }
  }

  #call<T>(action: string, start: (done: (error: Error | null | undefined, value: T) => void) => void): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      const giveUp = (error?: unknown): void => {
        this.#waiting.delete(giveUp);
        reject(this.#explain(error, action));
      };
      if (this.#socket.destroyed) {
        giveUp();
        return;
      }
      this.#waiting.add(giveUp);
      try {
        start((error, value) => {
          if (error) {
            giveUp(error);
          } else {
            this.#waiting.delete(giveUp);
            resolve(value);
          }
        });
      } catch (error) {
        giveUp(error);
      }
    });
  }

  #explain(error: unknown, action: string): SshError {
    const ended = this.#reason !== undefined || this.#socket.destroyed || !this.#socket.writable;
    return ended
      ? lost(this.#target, this.#reason ?? error ?? new Error('The connection ended.'))
      : sftpFailed(this.#target, action, error);
  }
}

async function readChunk(file: FileHandle): Promise<Buffer> {
  const buffer = Buffer.allocUnsafe(chunkSize);
  const { bytesRead } = await file.read(buffer, 0, chunkSize, null);
  return buffer.subarray(0, bytesRead);
}

import { createHash } from 'node:crypto';
import type { FileHandle } from 'node:fs/promises';
import { open } from 'node:fs/promises';
import type net from 'node:net';
import type { Client, ClientChannel, SFTPWrapper } from 'ssh2';
import type SftpClient from 'ssh2-sftp-client';
import { throwIfCancelled } from '../errors.ts';
import { RemoteCommand } from './command.ts';
import { watchLink } from './dial.ts';
import type { SshError } from './errors.ts';
import { lost, sftpFailed } from './errors.ts';
import type { Login } from './login.ts';
import { logIn } from './login.ts';
import { quoteArgv } from './quote.ts';
import { chunkSize, readAhead, Window } from './window.ts';

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

/** How a file at the far end is opened: `update` keeps what is in it, `append` writes at its end. */
export type OpenFor = 'read' | 'replace' | 'update' | 'append';
/** The protocol's bits: read 1, write 2, append 4, make 8, empty 16. */
const modes: Record<OpenFor, number> = { read: 1, replace: 2 + 8 + 16, update: 2 + 8, append: 2 + 4 + 8 };

/** An open file at the far end. */
export interface RemoteFile {
  readonly remote: string;
  readonly handle: Buffer;
}

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
  readonly #login: Login;
  /** Ends the calls that wait for an answer: the library forgets some of them when the link is lost. */
  readonly #waiting = new Set<() => void>();
  #reason: Error | undefined;

  constructor(client: SftpClient, sftp: SFTPWrapper, socket: net.Socket, login: Login) {
    this.#client = client;
    this.#sftp = sftp;
    this.#socket = socket;
    this.#login = login;
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
      const file = await this.open(remote, 'replace');
      let position = 0;
      const next = async (): Promise<Buffer> => {
        const chunk =
          local === undefined ? (source as Buffer).subarray(position, position + chunkSize) : await readChunk(local);
        position += chunk.length;
        return chunk;
      };
      return await this.#closing(file, () => this.#write(file, options, next));
    } finally {
      await local?.close();
    }
  }

  /** Reads `remote` into a new local file; rejects with `EEXIST` when there is one, also when it is a link. */
  async get(remote: string, local: string, options: MoveOptions = {}): Promise<Moved> {
    throwIfCancelled(options.signal);
    const file = await open(local, 'wx');
    try {
      const source = await this.open(remote, 'read');
      return await this.#closing(source, () => this.#read(source, file, options));
    } finally {
      await file.close();
    }
  }

  close(): void {
    this.#reason ??= new Error('It was closed here.');
    this.#client.end().catch(() => undefined);
    setTimeout(() => this.#socket.destroy(), 1000).unref();
  }

  /** A further connection of the same kind; the caller must `close` it. */
  another(): Promise<SftpSession> {
    return openSftp(this.#login);
  }

  /** Milliseconds from a question to its answer: the shorter of two. */
  async roundTrip(): Promise<number> {
    let shortest = Infinity;
    for (let n = 0; n < 2; n += 1) {
      const begun = performance.now();
      await this.#call<string>('answer', (done) => {
        this.#sftp.realpath('.', done);
      });
      shortest = Math.min(shortest, performance.now() - begun);
    }
    return shortest;
  }

  /** Starts a command over this connection: what moves through it never delays the commands of others. */
  start(argv: readonly string[]): Promise<{ channel: ClientChannel; command: RemoteCommand }> {
    return this.#call(`run ${argv[0] ?? ''}`, (done) => {
      // The library has it, though its types do not say so.
      (Reflect.get(this.#client, 'client') as Client).exec(`exec ${quoteArgv(argv)}`, (error, channel) => {
        if (error === undefined) {
          done(undefined, { channel, command: new RemoteCommand(channel) });
        } else {
          done(error, undefined as never);
        }
      });
    });
  }

  /** The error for something that ended without an answer. */
  failed(action: string): SshError {
    return this.#explain(undefined, action);
  }

  open(remote: string, mode: OpenFor): Promise<RemoteFile> {
    return this.#call<Buffer>(`open ${remote}`, (done) => {
      this.#sftp.open(remote, modes[mode], done);
    }).then((handle) => ({ remote, handle }));
  }

  /** Writes at most 255 KiB at `position`; of a file opened to append, at its end. */
  async writeAt({ handle, remote }: RemoteFile, data: Buffer, position: number): Promise<void> {
    await this.#call<undefined>(`write ${remote}`, (done) => {
      this.#sftp.write(handle, data, 0, data.length, position, (error) => done(error, undefined));
    });
  }

  /** Exactly `length` bytes, at most 255 KiB; a file that is shorter by now is an error. */
  async readAt({ handle, remote }: RemoteFile, position: number, length: number): Promise<Buffer> {
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

  /** An error of closing counts, for there a network disk may report lost writes. */
  async closeFile({ handle, remote }: RemoteFile): Promise<void> {
    await this.#call<undefined>(`finish ${remote}`, (done) => {
      this.#sftp.close(handle, (error) => done(error, undefined));
    });
  }

  async #write(file: RemoteFile, options: MoveOptions, next: () => Promise<Buffer>): Promise<Moved> {
    const hash = createHash('sha256');
    const window = new Window();
    let position = 0;
    for (let chunk = await next(); chunk.length > 0; chunk = await next()) {
      hash.update(chunk);
      const { length } = chunk;
      await window.add(
        this.writeAt(file, chunk, position).then(() => options.onBytes?.(length)),
        options.signal,
      );
      position += length;
    }
    await window.end(options.signal);
    return { bytes: position, sha256: hash.digest('hex') };
  }

  async #read(source: RemoteFile, file: FileHandle, options: MoveOptions): Promise<Moved> {
    const { size } = await this.#call<{ size: number }>(`look at ${source.remote}`, (done) => {
      this.#sftp.fstat(source.handle, done);
    });
    const hash = createHash('sha256');
    const readAt = (at: number, length: number): Promise<Buffer> => this.readAt(source, at, length);
    for await (const { position, data } of readAhead(readAt, [0, size], options.signal)) {
      hash.update(data);
      await file.write(data, 0, data.length, position);
      options.onBytes?.(data.length);
    }
    return { bytes: size, sha256: hash.digest('hex') };
  }

  async #closing(file: RemoteFile, work: () => Promise<Moved>): Promise<Moved> {
    let moved: Moved;
    try {
      moved = await work();
    } catch (error) {
      this.closeFile(file).catch(() => undefined);
      throw error;
    }
    await this.closeFile(file);
    return moved;
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
      ? lost(this.#login.target, this.#reason ?? error ?? new Error('The connection ended.'))
      : sftpFailed(this.#login.target, action, error);
  }
}

async function readChunk(file: FileHandle): Promise<Buffer> {
  const buffer = Buffer.allocUnsafe(chunkSize);
  const { bytesRead } = await file.read(buffer, 0, chunkSize, null);
  return buffer.subarray(0, bytesRead);
}

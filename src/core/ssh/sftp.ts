import { createHash } from 'node:crypto';
import type { FileHandle } from 'node:fs/promises';
import { open } from 'node:fs/promises';
import type net from 'node:net';
import { posix } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import type { Client, ClientChannel } from 'ssh2';
import { throwIfCancelled } from '../errors.ts';
import { writeAll } from '../files/write-all.ts';
import type { Shell } from './command.ts';
import { RemoteCommand } from './command.ts';
import { watchLink } from './dial.ts';
import type { FileService } from './file-service.ts';
import type { SshError } from './errors.ts';
import { lost, sftpFailed, shellEnded } from './errors.ts';
import type { Login } from './login.ts';
import { loggedIn, logIn } from './login.ts';
import { marked } from './marked.ts';
import { SftpChannel } from './sftp-channel.ts';
import { libraryClient, sshClientOf, SftpLibrary } from './sftp-library.ts';
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

/** For the file service to come up after the login. */
const beginMs = 20_000;

/**
 * Opens a connection for files only, so that large files never delay commands. By the library; where that logged in and
 * found no service, by the channel that bears a login shell which prints, and tells what else is wrong.
 */
export async function openSftp(login: Login, shell: Shell): Promise<SftpSession> {
  const byLibrary = shell.prints ? undefined : await openLibrary(login, shell);
  if (byLibrary !== undefined) {
    return byLibrary;
  }
  const { client, socket } = await loggedIn(login, limits);
  try {
    const session = new SftpSession(client, await beginSftp(client, login), socket, login, shell);
    shell.prints = true;
    return session;
  } catch (error) {
    client.end();
    socket.destroy();
    throw error;
  }
}

const limits = { timeoutMs: 20_000, signal: undefined };

/** Undefined when there was a login and then no file service that the library understands. */
async function openLibrary(login: Login, shell: Shell): Promise<SftpSession | undefined> {
  const library = await libraryClient();
  const client = sshClientOf(library);
  const seen = { login: false };
  client.once('ready', () => (seen.login = true));
  try {
    const { socket, value } = await logIn(login, limits, (config) => library.connect(config));
    return new SftpSession(client, new SftpLibrary(value), socket, login, shell);
  } catch (error) {
    if (seen.login) {
      return undefined;
    }
    throw error;
  }
}

async function beginSftp(client: Client, login: Login): Promise<SftpChannel> {
  const closed = new Promise<void>((resolve) => client.once('close', () => resolve()));
  const at: { sftp?: SftpChannel; isLate: boolean } = { isLate: false };
  const begun = new Promise<SftpChannel>((resolve, reject) => {
    client.subsys('sftp', (error, channel) => {
      if (error === undefined) {
        const opened = (at.sftp = new SftpChannel(channel));
        opened.begin().then(() => resolve(opened), reject);
      } else {
        reject(error);
      }
    });
    void closed.then(() => reject(new Error('The pod closed it.')));
  });
  // A shell in the place of the service ends with its input.
  const late = setTimeout(() => {
    at.isLate = true;
    at.sftp?.end();
  }, beginMs);
  const never = setTimeout(() => client.destroy(), 2 * beginMs);
  try {
    return await begun;
  } catch (error) {
    // The end of the connection itself is noticed a moment later than that of its channels.
    const isLost = await Promise.race([closed.then(() => true), wait(1000, false, { ref: false })]);
    const noise = at.sftp?.noise ?? '';
    if (!at.isLate && isLost) {
      throw lost(login.target, error);
    }
    throw at.isLate || noise !== ''
      ? shellEnded(login.target, undefined, noise)
      : sftpFailed(login.target, 'start its file service', error);
  } finally {
    clearTimeout(late);
    clearTimeout(never);
  }
}

/**
 * Files at the far end. Data moves in many messages at a time and its sha256 is computed on the way. Calls reject with
 * code `ssh-lost` when the connection ends, `ssh-sftp` when the far end refuses, the local error (`ENOENT`, …) as it
 * is, and CancelledError.
 */
export class SftpSession {
  /** Settles when the session has ended, for whatever reason. */
  readonly closed: Promise<void>;
  readonly #client: Client;
  readonly #sftp: FileService;
  readonly #socket: net.Socket;
  readonly #login: Login;
  readonly #shell: Shell;
  #reason: Error | undefined;

  constructor(client: Client, sftp: FileService, socket: net.Socket, login: Login, shell: Shell) {
    this.#client = client;
    this.#sftp = sftp;
    this.#socket = socket;
    this.#login = login;
    this.#shell = shell;
    const die = (reason: Error): void => {
      this.#reason ??= reason;
      socket.destroy();
    };
    const stopWatch = watchLink(socket, login.pingMs, die);
    sftp.onEnd(() => die(new Error('The file service of the pod ended.')));
    this.closed = new Promise((resolve) => {
      const end = (): void => {
        stopWatch();
        sftp.abandon();
        resolve();
      };
      socket.once('close', end);
      if (socket.destroyed) {
        end();
      }
    });
  }

  /** Makes a folder and those above it. */
  async makeFolder(remote: string): Promise<void> {
    await this.#call(`make the folder ${remote}`, () => makeFolders(this.#sftp, remote));
  }

  async remove(remote: string): Promise<void> {
    await this.#call(`remove ${remote}`, () => this.#sftp.remove(remote));
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
    this.#client.end();
    setTimeout(() => this.#socket.destroy(), 1000).unref();
  }

  /** A further connection of the same kind; the caller must `close` it. */
  another(): Promise<SftpSession> {
    return openSftp(this.#login, this.#shell);
  }

  /** Milliseconds from a question to its answer: the shorter of two. */
  async roundTrip(): Promise<number> {
    let shortest = Infinity;
    for (let n = 0; n < 2; n += 1) {
      const begun = performance.now();
      await this.#call('answer', () => this.#sftp.realPath('.'));
      shortest = Math.min(shortest, performance.now() - begun);
    }
    return shortest;
  }

  /** Starts a command over this connection: what moves through it never delays the commands of others. */
  start(argv: readonly string[]): Promise<{ channel: ClientChannel; command: RemoteCommand }> {
    const { line, marker } = marked(argv);
    const starting = new Promise<{ channel: ClientChannel; command: RemoteCommand }>((resolve, reject) => {
      // The library tells nothing when the connection ends before its answer.
      void this.closed.then(() => reject(new Error('The connection ended.')));
      this.#client.exec(line, (error, channel) => {
        if (error === undefined) {
          resolve({ channel, command: new RemoteCommand(channel, marker, this.#login.target, this.#shell) });
        } else {
          reject(error);
        }
      });
    });
    return this.#call(`run ${argv[0] ?? ''}`, () => starting);
  }

  /** The error for something that ended without an answer. */
  failed(action: string): SshError {
    return this.#explain(undefined, action);
  }

  async open(remote: string, mode: OpenFor): Promise<RemoteFile> {
    return { remote, handle: await this.#call(`open ${remote}`, () => this.#sftp.open(remote, modes[mode])) };
  }

  /** Writes at most 255 KiB at `position`; of a file opened to append, at its end. */
  async writeAt({ handle, remote }: RemoteFile, data: Buffer, position: number): Promise<void> {
    await this.#call(`write ${remote}`, () => this.#sftp.write(handle, position, data));
  }

  /** Exactly `length` bytes, at most 255 KiB; a file that is shorter by now is an error. */
  async readAt({ handle, remote }: RemoteFile, position: number, length: number): Promise<Buffer> {
    const read = (from: number, count: number): Promise<Buffer> =>
      this.#call(`read ${remote}`, () => this.#sftp.read(handle, from, count));
    const first = await read(position, length);
    if (first.length === length) {
      return first;
    }
    const parts = [first];
    for (let filled = first.length; filled < length; filled += parts.at(-1)?.length ?? 0) {
      parts.push(await read(position + filled, length - filled));
    }
    return Buffer.concat(parts);
  }

  /** An error of closing counts, for there a network disk may report lost writes. */
  async closeFile({ handle, remote }: RemoteFile): Promise<void> {
    await this.#call(`finish ${remote}`, () => this.#sftp.close(handle));
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
    const { size } = await this.#call(`look at ${source.remote}`, () => this.#sftp.attributes(source.handle));
    const hash = createHash('sha256');
    const readAt = (at: number, length: number): Promise<Buffer> => this.readAt(source, at, length);
    for await (const { position, data } of readAhead(readAt, [0, size], options.signal)) {
      hash.update(data);
      await writeAll(file, data, position);
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

  async #call<T>(action: string, start: () => Promise<T>): Promise<T> {
    try {
      return await start();
    } catch (error) {
      throw this.#explain(error, action);
    }
  }

  #explain(error: unknown, action: string): SshError {
    const ended = this.#reason !== undefined || this.#socket.destroyed || !this.#socket.writable;
    return ended
      ? lost(this.#login.target, this.#reason ?? error ?? new Error('The connection ended.'))
      : sftpFailed(this.#login.target, action, error);
  }
}

async function makeFolders(sftp: FileService, remote: string): Promise<void> {
  const isThere = (): Promise<boolean> =>
    sftp.attributes(remote).then(
      ({ isFolder }) => isFolder,
      () => false,
    );
  if (await isThere()) {
    return;
  }
  const above = posix.dirname(remote);
  if (above !== remote) {
    await makeFolders(sftp, above);
  }
  try {
    await sftp.makeFolder(remote);
  } catch (error) {
    // Another client may have made it meanwhile.
    if (!(await isThere())) {
      throw error;
    }
  }
}

async function readChunk(file: FileHandle): Promise<Buffer> {
  const buffer = Buffer.allocUnsafe(chunkSize);
  const { bytesRead } = await file.read(buffer, 0, chunkSize, null);
  return buffer.subarray(0, bytesRead);
}

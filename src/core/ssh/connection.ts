import type net from 'node:net';
import type { Duplex } from 'node:stream';
import { setTimeout } from 'node:timers/promises';
import type { Client } from 'ssh2';
import { CancelledError, throwIfCancelled } from '../errors.ts';
import { abortable } from './abortable.ts';
import { RemoteCommand, type Shell } from './command.ts';
import { watchLink } from './dial.ts';
import type { SshTarget } from './errors.ts';
import { execFailed, forwardFailed, hostKeyChanged, lost, SshError } from './errors.ts';
import type { SshKeyPair } from './keys.ts';
import { marked } from './marked.ts';
import type { SftpSession } from './sftp.ts';
import { openSftp } from './sftp.ts';

export interface ExecOptions {
  /** Given to the command, then end of file. Without it standard input is empty. */
  stdin?: string | Buffer | undefined;
  signal?: AbortSignal | undefined;
  /** The call rejects when standard output is longer, in bytes; 64 MiB unless told. */
  maxStdout?: number | undefined;
}

export interface ExecResult {
  /** Exit code; 128 + n when signal n ended the command. */
  code: number;
  stdout: Buffer;
  /** The last 64 KiB. */
  stderr: string;
}

export interface StreamOptions {
  stdin?: string | Buffer | undefined;
  /** The next chunk is read when this has settled, so a slow reader slows the command down. */
  onStdout: (chunk: Buffer) => void | Promise<void>;
  signal?: AbortSignal | undefined;
}

export interface StreamResult {
  /** Exit code; 128 + n when signal n ended the command. */
  code: number;
  stderr: string;
}

/** Who we are and whom we talk to; a further connection to the same machine must see the same host key. */
export interface Peer {
  target: SshTarget;
  key: SshKeyPair;
  pingMs: number;
  fingerprint: string;
}

/** One logged-in connection. Every call rejects with code `ssh-lost` when the connection ends before its answer. */
export class SshConnection {
  /** Settles when the connection has ended: undefined after `close`, else the reason. Never rejects. */
  readonly closed: Promise<Error | undefined>;
  readonly target: SshTarget;
  /** `SHA256:…` of the host key. */
  readonly fingerprint: string;
  readonly #client: Client;
  readonly #socket: net.Socket;
  readonly #peer: Peer;
  readonly #shell: Shell = { proven: false, prints: false };
  #open = true;
  #closing = false;
  #reason: Error | undefined;
  #sftp: Promise<SftpSession> | undefined;

  constructor(client: Client, socket: net.Socket, peer: Peer) {
    this.#client = client;
    this.#socket = socket;
    this.#peer = peer;
    this.target = peer.target;
    this.fingerprint = peer.fingerprint;
    const stopWatch = watchLink(socket, peer.pingMs, (reason) => {
      this.#reason ??= reason;
      socket.destroy();
    });
    client.on('error', (error) => {
      this.#reason ??= error;
    });
    this.closed = new Promise((resolve) => {
      const end = (): void => {
        stopWatch();
        this.#open = false;
        socket.destroy();
        resolve(this.#closing ? undefined : this.#lost());
      };
      client.once('close', end);
      client.once('end', end);
      if (socket.destroyed) {
        end();
      }
    });
  }

  /** Runs a command to its end. The channel ends when the command and all that share its output streams have ended. */
  async exec(argv: readonly string[], options: ExecOptions = {}): Promise<ExecResult> {
    const limit = options.maxStdout ?? 64 * 1024 * 1024;
    const chunks: Buffer[] = [];
    let size = 0;
    const result = await this.stream(argv, {
      stdin: options.stdin,
      signal: options.signal,
      onStdout: (chunk) => {
        size += chunk.length;
        if (size > limit) {
          throw execFailed(this.target, new Error(`"${argv[0] ?? ''}" wrote more than ${limit} bytes.`));
        }
        chunks.push(chunk);
      },
    });
    return { ...result, stdout: Buffer.concat(chunks) };
  }

  /**
   * Runs a command and hands its standard output over as it comes. When `signal` aborts, the call rejects with
   * CancelledError and the command ends (marked.ts); a command that was given standard input is left to
   * find out that nobody reads its output. The same happens when `onStdout` throws.
   */
  async stream(argv: readonly string[], options: StreamOptions): Promise<StreamResult> {
    throwIfCancelled(options.signal);
    const starting = this.#start(marked(argv, { tied: options.stdin === undefined }));
    try {
      return await abortable(this.#finish(starting, options), options.signal);
    } catch (error) {
      starting.then(
        (command) => command.stop(),
        () => undefined,
      );
      throw this.#open || error instanceof CancelledError || error instanceof SshError ? error : this.#lost();
    }
  }

  /** File operations, over a connection of their own that is opened at the first call and again after a loss. */
  sftp(signal?: AbortSignal): Promise<SftpSession> {
    if (!this.#open) {
      return Promise.reject(this.#lost());
    }
    if (this.#sftp === undefined) {
      const { fingerprint, key, pingMs, target } = this.#peer;
      const check = (seen: string): SshError | undefined =>
        seen === fingerprint ? undefined : hostKeyChanged(target, fingerprint, seen);
      const opening = openSftp({ target, key, pingMs, check }, this.#shell);
      this.#sftp = opening;
      const forget = (): void => {
        if (this.#sftp === opening) {
          this.#sftp = undefined;
        }
      };
      opening.then((session) => session.closed.then(forget), forget);
    }
    return abortable(this.#sftp, signal);
  }

  /** A connection from the pod to one of its own ports. The caller must destroy it. */
  async tunnel(port: number, signal?: AbortSignal): Promise<Duplex> {
    const opening = new Promise<Duplex>((resolve, reject) => {
      if (!this.#open) {
        reject(this.#lost());
        return;
      }
      this.#client.forwardOut('127.0.0.1', 0, '127.0.0.1', port, (error, channel) => {
        if (error === undefined) {
          resolve(channel);
        } else {
          reject(this.#open ? forwardFailed(this.target, port, error) : this.#lost());
        }
      });
    });
    try {
      return await abortable(opening, signal);
    } catch (error) {
      opening.then(
        (channel) => channel.destroy(),
        () => undefined,
      );
      throw error;
    }
  }

  /** Ends the connection and its file session. Commands that are detached from it go on. */
  close(): void {
    this.#closing = true;
    this.#open = false;
    this.#sftp?.then(
      (session) => session.close(),
      () => undefined,
    );
    this.#client.end();
    // A far end that is gone would never answer the goodbye.
    void setTimeout(1000, undefined, { ref: false }).then(() => this.#socket.destroy());
  }

  #lost(): Error {
    return lost(this.target, this.#reason ?? new Error(this.#closing ? 'It was closed here.' : 'The pod closed it.'));
  }

  #start({ line, marker }: { line: string; marker: string }): Promise<RemoteCommand> {
    return new Promise((resolve, reject) => {
      if (!this.#open) {
        reject(this.#lost());
        return;
      }
      try {
        this.#client.exec(line, (error, channel) => {
          if (error === undefined) {
            resolve(new RemoteCommand(channel, marker, this.target, this.#shell));
          } else {
            reject(this.#open ? execFailed(this.target, error) : this.#lost());
          }
        });
      } catch (error) {
        this.#reason ??= error instanceof Error ? error : undefined;
        reject(this.#lost());
      }
    });
  }

  async #finish(starting: Promise<RemoteCommand>, options: StreamOptions): Promise<StreamResult> {
    const command = await starting;
    const { code, stderr } = await command.run(options.stdin, (chunk) => {
      throwIfCancelled(options.signal);
      return options.onStdout(chunk);
    });
    if (code !== undefined) {
      return { code, stderr };
    }
    // The end of the connection itself is noticed a moment later than that of its channels.
    const grace = new AbortController();
    await Promise.race([this.closed, setTimeout(1000, undefined, { signal: grace.signal }).catch(() => undefined)]);
    grace.abort();
    throw this.#open ? execFailed(this.target, new Error('The command ended without an exit status.')) : this.#lost();
  }
}

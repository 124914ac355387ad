import { constants } from 'node:os';
import type { ClientChannel } from 'ssh2';
import type { SshTarget } from './errors.ts';
import { execFailed, shellEnded, shellSilent } from './errors.ts';
import { AfterMarker } from './marker.ts';

const stderrKept = 64 * 1024;
/** A shell that was not seen to begin a command yet gets so long; then its input ends, and after as long again the call. */
const shellPatienceMs = 20_000;
/** Both outputs have their marker within so long of each other, and of the last noise before it. */
const silenceMs = 5_000;

/** What is known of the login shell of a machine, shared by all connections to it. */
export interface Shell {
  /** It has begun a command, so it reads no input of ours itself. */
  proven: boolean;
  /** It printed where a file service was to begin. */
  prints: boolean;
}

/**
 * A command at the far end, from its marker on. Make it in the very callback that brings the channel: a short command's
 * last words come in the same packet as the first, and would be missed a moment later.
 *
 * A start file may replace the login shell by one that reads commands from its input. So no input is given before the
 * first command on a machine was seen to begin: it would be run there, or printed.
 */
export class RemoteCommand {
  readonly #channel: ClientChannel;
  readonly #target: SshTarget;
  readonly #shell: Shell;
  readonly #stdout: AfterMarker;
  readonly #noise: AfterMarker;
  readonly #ended: Promise<unknown>;
  /** Settles when input may be given, also when the command has ended without ever beginning. */
  readonly ready: Promise<void>;
  #begin: () => void = () => undefined;
  #code: number | undefined;
  #stderr = Buffer.alloc(0);
  #hurried = false;
  #timer: NodeJS.Timeout | undefined;
  #silence: NodeJS.Timeout | undefined;
  #isSilent = false;

  constructor(channel: ClientChannel, marker: string, target: SshTarget, shell: Shell) {
    this.#channel = channel;
    this.#target = target;
    this.#shell = shell;
    this.#stdout = new AfterMarker(marker);
    this.#noise = new AfterMarker(marker);
    channel.on('exit', (code: number | null, signal?: string) => {
      this.#code = code ?? 128 + signalNumber(signal);
    });
    // A command may end without reading its input; what it said and its exit code tell the story.
    channel.on('error', () => undefined);
    channel.stderr.on('data', (chunk: Buffer) => {
      this.#stderr = Buffer.concat([this.#stderr, this.#noise.take(chunk)]).subarray(-stderrKept);
      this.#listen();
    });
    const closed = (stream: NodeJS.EventEmitter) => new Promise((resolve) => stream.once('close', resolve));
    this.#ended = Promise.all([closed(channel), closed(channel.stderr)]);
    this.ready = new Promise((resolve) => {
      this.#begin = resolve;
    });
    if (shell.proven) {
      this.#begin();
    } else {
      this.#timer = setTimeout(() => this.#hurry(), shellPatienceMs);
    }
    channel.once('close', () => {
      clearTimeout(this.#timer);
      clearTimeout(this.#silence);
      this.#begin();
    });
  }

  /**
   * Gives the input, reads the output to its end and waits for the exit. The code is undefined when the channel ended
   * without one: the connection is lost, or the far end's server is. Rejects when the login shell ended by itself.
   */
  async run(
    stdin: string | Buffer | undefined,
    onStdout: (chunk: Buffer) => void | Promise<void>,
  ): Promise<{ code: number | undefined; stderr: string }> {
    if (stdin !== undefined) {
      void this.ready.then(() => this.#channel.end(stdin));
    }
    for await (const chunk of this.#channel) {
      const own = this.#take(chunk as Buffer);
      if (own.length > 0) {
        await onStdout(own);
      }
    }
    await this.#ended;
    if (this.#isSilent || (!this.#stdout.seen && this.#noise.seen && this.#code !== undefined && this.#code < 128)) {
      throw shellSilent(this.#target);
    }
    if (this.#hurried) {
      throw this.#stdout.seen || this.#code === undefined
        ? execFailed(this.#target, new Error(`The login shell took more than ${shellPatienceMs / 1000} s to begin.`))
        : this.#shellEnded(this.#code);
    }
    if (!this.#stdout.seen && this.#code !== undefined) {
      throw this.#code < 128
        ? this.#shellEnded(this.#code)
        : execFailed(this.#target, new Error(`The login shell was killed (${this.#code}) before the command began.`));
    }
    return { code: this.#code, stderr: this.#stderr.toString('utf8') };
  }

  stop(): void {
    this.#channel.destroy();
  }

  #take(chunk: Buffer): Buffer {
    const own = this.#stdout.take(chunk);
    this.#listen();
    if (this.#stdout.endless) {
      throw execFailed(this.#target, new Error('The login shell prints without end.'));
    }
    if (this.#stdout.seen && this.#timer !== undefined) {
      clearTimeout(this.#timer);
      this.#timer = undefined;
      this.#shell.proven = true;
      this.#begin();
    }
    return own;
  }

  /** The marker goes to standard output first: where only the other one shows it, that leads elsewhere. */
  #listen(): void {
    clearTimeout(this.#silence);
    if (this.#noise.seen && !this.#stdout.seen) {
      this.#silence = setTimeout(() => {
        this.#isSilent = true;
        this.stop();
      }, silenceMs);
    }
  }

  /** A shell that reads its input ends when that does, and so tells what it is. */
  #hurry(): void {
    if (this.#shell.proven) {
      return;
    }
    this.#hurried = true;
    this.#channel.end();
    this.#timer = setTimeout(() => this.stop(), shellPatienceMs);
  }

  #shellEnded(code: number): Error {
    const noise = [this.#stdout.noise, this.#noise.noise].filter(Boolean).join(' ');
    return shellEnded(this.#target, code, noise);
  }
}

function signalNumber(name: string | undefined): number {
  return Object.entries(constants.signals).find(([known]) => known === name)?.[1] ?? 0;
}

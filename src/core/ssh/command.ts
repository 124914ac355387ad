import { constants } from 'node:os';
import type { ClientChannel } from 'ssh2';

const stderrKept = 64 * 1024;

/**
 * A command at the far end. Make it in the very callback that brings the channel: a short command's last words come in
 * the same packet as the first, and would be missed a moment later.
 */
export class RemoteCommand {
  readonly #channel: ClientChannel;
  readonly #ended: Promise<unknown>;
  #code: number | undefined;
  #stderr = Buffer.alloc(0);

  constructor(channel: ClientChannel) {
    this.#channel = channel;
    channel.on('exit', (code: number | null, signal?: string) => {
      this.#code = code ?? 128 + signalNumber(signal);
    });
    // A command may end without reading its input; what it said and its exit code tell the story.
    channel.on('error', () => undefined);
    channel.stderr.on('data', (chunk: Buffer) => {
      this.#stderr = Buffer.concat([this.#stderr, chunk]).subarray(-stderrKept);
    });
    const closed = (stream: NodeJS.EventEmitter) => new Promise((resolve) => stream.once('close', resolve));
    this.#ended = Promise.all([closed(channel), closed(channel.stderr)]);
  }

  /**
   * Gives the input, reads the output to its end and waits for the exit. The code is undefined when the channel ended
   * without one: the connection is lost, or the far end's server is.
   */
  async run(
    stdin: string | Buffer | undefined,
    onStdout: (chunk: Buffer) => void | Promise<void>,
  ): Promise<{ code: number | undefined; stderr: string }> {
    if (stdin !== undefined) {
      this.#channel.end(stdin);
    }
    for await (const chunk of this.#channel) {
      await onStdout(chunk as Buffer);
    }
    await this.#ended;
    return { code: this.#code, stderr: this.#stderr.toString('utf8') };
  }

  stop(): void {
    this.#channel.destroy();
  }
}

function signalNumber(name: string | undefined): number {
  return Object.entries(constants.signals).find(([known]) => known === name)?.[1] ?? 0;
}

import { once } from 'node:events';
import type { Writable } from 'node:stream';
import { throwIfCancelled } from '../../errors.ts';
import type { SftpSession } from '../../ssh/index.ts';

export interface RemoteStream {
  /** Written to the command's standard input as fast as it reads; then end of file. */
  input: AsyncIterable<Buffer>;
  /** Gets the standard output; what it throws ends the command. */
  onOutput: (chunk: Buffer) => void | Promise<void>;
  signal?: AbortSignal | undefined;
}

/**
 * Runs a command over a connection for files, with input and output that are never held in memory. Rejects as the
 * calls of SftpSession do, with what `input` or `onOutput` threw, or with CancelledError.
 */
export async function streamThrough(
  sftp: SftpSession,
  argv: readonly string[],
  { input, onOutput, signal }: RemoteStream,
): Promise<{ code: number; stderr: string }> {
  throwIfCancelled(signal);
  const { channel, command } = await sftp.start(argv);
  const stop = (): void => command.stop();
  signal?.addEventListener('abort', stop, { once: true });
  const feeding = command.ready
    .then(() => feed(channel, input))
    .catch((error: unknown) => {
      command.stop();
      throw error;
    });
  const reading = command.run(undefined, onOutput).catch((error: unknown) => {
    command.stop();
    throw error;
  });
  try {
    const [fed, read] = await Promise.allSettled([feeding, reading]);
    throwIfCancelled(signal);
    if (read.status === 'rejected') {
      throw read.reason;
    }
    if (fed.status === 'rejected') {
      throw fed.reason;
    }
    const { code, stderr } = read.value;
    if (code === undefined) {
      throw sftp.failed(`run ${argv.slice(-3).join(' ')}`);
    }
    return { code, stderr };
  } finally {
    signal?.removeEventListener('abort', stop);
  }
}

/** A command may end before it has read everything; what it said tells why. */
async function feed(channel: Writable, input: AsyncIterable<Buffer>): Promise<void> {
  const closed = new AbortController();
  channel.once('close', () => closed.abort());
  for await (const chunk of input) {
    if (!channel.writable) {
      return;
    }
    if (!channel.write(chunk)) {
      await once(channel, 'drain', { signal: closed.signal }).catch(() => undefined);
    }
  }
  if (channel.writable) {
    channel.end();
  }
}

/** Gathers chunks into lines. */
export class Lines {
  readonly #onLine: (line: string) => void;
  #rest: Buffer[] = [];

  constructor(onLine: (line: string) => void) {
    this.#onLine = onLine;
  }

  push(chunk: Buffer): void {
    let start = 0;
    for (let end = chunk.indexOf(10); end >= 0; end = chunk.indexOf(10, start)) {
      this.#rest.push(chunk.subarray(start, end));
      this.#onLine(Buffer.concat(this.#rest).toString('utf8'));
      this.#rest = [];
      start = end + 1;
    }
    if (start < chunk.length) {
      this.#rest.push(chunk.subarray(start));
    }
  }
}

import { once } from 'node:events';
import { PassThrough } from 'node:stream';
import * as z from 'zod';
import { throwIfCancelled, UserError } from '../../errors.ts';
import { fingerprintOf } from '../../ssh/keys.ts';
import { quoteArgv } from '../../ssh/quote.ts';
import { Lines, streamThrough } from '../../transport/ssh/remote-stream.ts';
import { slices } from '../../files/time-slices.ts';
import { broken, readLine } from '../../transport/ssh/worker-files.ts';
import { call, volumeArgv, type FileEntry, type VolumeEnd } from './worker.ts';

/** A content that is missing at the target, and the ranges of it that are there. */
export interface Needed extends FileEntry {
  have: [number, number][];
}

export interface Sending {
  source: VolumeEnd;
  target: VolumeEnd;
  needed: readonly Needed[];
  /** Bytes of a content that have arrived. */
  onBytes: (sha256: string, bytes: number) => void;
  /** A content that could not be read or kept. */
  onFailed: (sha256: string, why: string) => void;
  signal: AbortSignal | undefined;
}

const answer = z.union([
  z.object({ ready: z.literal(true) }),
  z.object({
    sha256: z.string(),
    ok: z.boolean(),
    bytes: z.number(),
    error: z.string().optional(),
    full: z.string().or(z.boolean()).optional(),
  }),
  z.object({ unreachable: z.string() }),
  z.object({ cut: z.string() }),
]);

const keyAnswer = z.union([
  z.object({ reached: z.literal(false), why: z.string() }),
  z.object({ reached: z.literal(true), hostKeys: z.array(z.string()), folder: z.string(), publicKey: z.string() }),
]);

const done = z.object({ ok: z.literal(true) });

/** From a round trip of so many ms on, compressing pays. */
const farMs = 5;

/**
 * Sends from pod to pod. Answers why, when the source cannot reach the target; nothing was sent then. The key of this
 * move is made at the source, in memory, and the target takes it for the one command that receives; both are gone
 * afterwards. The target must show the host key that this machine has pinned.
 */
export async function sendDirect(sending: Sending): Promise<string | undefined> {
  const { source, target, needed, signal } = sending;
  const { host, port, username: user } = target.connection.target;
  const ask = volumeArgv(source, 'key', '--host', host, '--port', String(port));
  const [key] = await call(source, ask, [], keyAnswer, signal);
  if (key === undefined) {
    throw broken('volume key', 'It did not answer.');
  }
  if (!key.reached) {
    return key.why;
  }
  const { folder, publicKey, hostKeys } = key;
  const hostKey = hostKeys.find((line) => fingerprintOfLine(line) === target.connection.fingerprint);
  try {
    if (hostKey === undefined) {
      return `another machine answers it at ${host}:${port}`;
    }
    const command = quoteArgv(volumeArgv(target, 'receive'));
    await call(target, volumeArgv(target, 'admit'), [{ publicKey, command }], done, signal);
    const heard = hear(sending);
    const { code, stderr } = await streamThrough(await source.connection.sftp(signal), volumeArgv(source, 'push'), {
      input: lines([{ folder, host, port, user, hostKey }, ...needed]),
      onOutput: (chunk) => heard.lines.push(chunk),
      signal,
    });
    heard.check();
    if (heard.unreachable === undefined && code !== 0) {
      throw broken('volume push', `It ended with exit code ${code}: ${stderr.trim().slice(-500)}`);
    }
    return heard.unreachable;
  } finally {
    // Without the signal: a move that was cancelled must not leave a key. The pods end soon, whatever happens here.
    await Promise.allSettled([
      call(source, volumeArgv(source, 'forget'), [], done, undefined),
      call(target, volumeArgv(target, 'dismiss'), [{ publicKey }], done, undefined),
    ]);
  }
}

/** Sends from pod to pod through this machine, which keeps nothing of it. */
export async function sendThrough(sending: Sending): Promise<void> {
  const { source, target, needed, signal } = sending;
  const [from, to] = await Promise.all([source.connection.sftp(signal), target.connection.sftp(signal)]);
  const far = Math.max(await from.roundTrip(), await to.roundTrip()) >= farMs;
  const stop = new AbortController();
  const either = AbortSignal.any([stop.signal, ...(signal === undefined ? [] : [signal])]);
  const pipe = new PassThrough({ highWaterMark: 4 * 1024 * 1024 });
  // Written to after its reader has gone, it complains; the reader's own failure says more.
  pipe.on('error', () => undefined);
  const heard = hear(sending);
  const reading = streamThrough(from, volumeArgv(source, 'send', ...(far ? ['--compress'] : [])), {
    input: lines(needed),
    onOutput: async (chunk) => {
      if (!pipe.write(chunk)) {
        await once(pipe, 'drain', { signal: either });
      }
    },
    signal: either,
  }).then((end) => {
    check('send', end);
    pipe.end();
  });
  const writing = streamThrough(to, volumeArgv(target, 'receive'), {
    input: pipe,
    onOutput: (chunk) => heard.lines.push(chunk),
    signal: either,
  }).then((end) => check('receive', end));
  try {
    await Promise.all([reading, writing]);
  } catch (error) {
    throwIfCancelled(signal);
    heard.check();
    throw error;
  } finally {
    stop.abort();
    // Who waits for it is woken.
    pipe.destroy();
    await Promise.allSettled([reading, writing]);
  }
  heard.check();
}

function check(command: string, { code, stderr }: { code: number; stderr: string }): void {
  if (code !== 0) {
    throw broken(`volume ${command}`, `It ended with exit code ${code}: ${stderr.trim().slice(-500)}`);
  }
}

/** Reads the answers of the receiving end. */
function hear({ onBytes, onFailed }: Sending): { lines: Lines; unreachable: string | undefined; check: () => void } {
  let full: string | undefined;
  let cut: string | undefined;
  const heard = {
    unreachable: undefined as string | undefined,
    lines: new Lines((line) => {
      const said = readLine('volume receive', line, answer);
      if ('unreachable' in said) {
        heard.unreachable = said.unreachable;
      } else if ('cut' in said) {
        cut = said.cut;
      } else if ('sha256' in said) {
        if (said.ok) {
          onBytes(said.sha256, said.bytes);
        } else if (said.full !== undefined) {
          full = said.error ?? 'No space is left.';
        } else {
          onFailed(said.sha256, said.error ?? 'The pod did not say why.');
        }
      }
    }),
    check: () => {
      if (full !== undefined) {
        throw new UserError('volume-full', {
          what: 'The target volume is full.',
          why: full,
          next: 'Make it larger (RunPod console, Storage, Edit), then start the same move again; what arrived is not sent twice.',
        });
      }
      if (cut !== undefined) {
        throw new MoveCut(cut);
      }
    },
  };
  return heard;
}

/** The stream from pod to pod broke; what arrived stays, and the rest can be sent again. */
export class MoveCut extends UserError {
  override readonly name = 'MoveCut';

  constructor(why: string) {
    super('move-cut', {
      what: 'The stream from one pod to the other was cut.',
      why,
      next: 'Start the same move again; what arrived is not sent twice.',
    });
  }
}

function fingerprintOfLine(line: string): string {
  return fingerprintOf(Buffer.from(line.split(' ')[1] ?? '', 'base64'));
}

async function* lines(values: readonly unknown[]): AsyncGenerator<Buffer> {
  const turn = slices();
  for (const value of values) {
    await turn();
    yield Buffer.from(`${JSON.stringify(value)}\n`);
  }
}

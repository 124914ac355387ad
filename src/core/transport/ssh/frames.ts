import { promisify } from 'node:util';
import { constants, deflate, inflateSync } from 'node:zlib';
import { limits } from '../../contract.ts';
import { UserError } from '../../errors.ts';

/**
 * The frames in which many files travel as one stream, in both directions (`files/frames.py` of the worker is the other
 * side): one byte of kind, four bytes of length (big endian), the bytes. `r` as they are, `z` deflated, `e` the end.
 */
const headLength = 5;
/** The most that a frame may hold, unpacked. */
const limit = limits.frameBytes;
/** What is gathered into one frame. */
const batchSize = 512 * 1024;
/** Frames that are compressed at a time, on threads of their own. */
const ahead = 4;
/** After a frame that did not get smaller, so many go as they are. */
const rest = 8;

const pack = promisify<Buffer, { level: number }, Buffer>(deflate);

/** Turns bytes into frames; with `compress` those that get at least a tenth smaller are deflated. Memory stays flat. */
export async function* toFrames(source: AsyncIterable<Buffer>, compress: boolean): AsyncGenerator<Buffer> {
  const packer = new Packer(compress);
  const pending: Promise<Buffer>[] = [];
  try {
    for await (const batch of batches(source)) {
      const frame = packer.frame(batch);
      frame.catch(() => undefined);
      pending.push(frame);
      if (pending.length >= ahead) {
        yield (await pending.shift()) ?? Buffer.alloc(0);
      }
    }
    for (const frame of pending) {
      yield await frame;
    }
  } finally {
    await Promise.allSettled(pending);
  }
  yield frameOf('e', Buffer.alloc(0));
}

async function* batches(source: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let parts: Buffer[] = [];
  let size = 0;
  for await (const part of source) {
    parts.push(part);
    size += part.length;
    if (size >= batchSize) {
      yield Buffer.concat(parts);
      parts = [];
      size = 0;
    }
  }
  if (size > 0) {
    yield Buffer.concat(parts);
  }
}

class Packer {
  readonly #compress: boolean;
  #rest = 0;

  constructor(compress: boolean) {
    this.#compress = compress;
  }

  async frame(data: Buffer): Promise<Buffer> {
    if (!this.#compress || this.#rest > 0) {
      this.#rest -= 1;
      return frameOf('r', data);
    }
    const packed = await pack(data, { level: constants.Z_BEST_SPEED });
    if (packed.length < data.length * 0.9) {
      return frameOf('z', packed);
    }
    this.#rest = rest;
    return frameOf('r', data);
  }
}

function frameOf(kind: 'r' | 'z' | 'e', data: Buffer): Buffer {
  const head = Buffer.alloc(headLength, kind);
  head.writeUInt32BE(data.length, 1);
  return Buffer.concat([head, data]);
}

/** Takes a stream of frames apart. `onBytes` gets the contents in order; the far end is not trusted with sizes. */
export class FrameReader {
  /** Whether the end came; a stream without it was cut. */
  ended = false;
  readonly #onBytes: (bytes: Buffer) => void;
  #parts: Buffer[] = [];
  #size = 0;
  #wanted = headLength;
  #kind = '';

  constructor(onBytes: (bytes: Buffer) => void) {
    this.#onBytes = onBytes;
  }

  push(chunk: Buffer): void {
    this.#parts.push(chunk);
    this.#size += chunk.length;
    if (this.#size < this.#wanted) {
      return;
    }
    let data = this.#parts.length === 1 ? chunk : Buffer.concat(this.#parts);
    while (data.length >= this.#wanted && !this.ended) {
      const piece = data.subarray(0, this.#wanted);
      data = data.subarray(this.#wanted);
      if (this.#kind === '') {
        this.#head(piece);
      } else {
        this.#body(piece);
      }
    }
    this.#parts = [data];
    this.#size = data.length;
  }

  #head(head: Buffer): void {
    this.#kind = String.fromCharCode(head[0] ?? 0);
    this.#wanted = head.readUInt32BE(1);
    if (!'rze'.includes(this.#kind) || this.#wanted > (this.#kind === 'e' ? 0 : limit)) {
      throw streamBroken(`It sent a frame of kind ${JSON.stringify(this.#kind)} with ${this.#wanted} bytes.`);
    }
    this.ended = this.#kind === 'e';
  }

  #body(data: Buffer): void {
    const packed = this.#kind === 'z';
    this.#kind = '';
    this.#wanted = headLength;
    let plain = data;
    if (packed) {
      try {
        plain = inflated(data);
      } catch (error) {
        throw streamBroken(`A frame cannot be unpacked (${String(error)}).`);
      }
    }
    this.#onBytes(plain);
  }
}

/** What a deflated frame holds. Bytes behind it that nobody would read are an error, as they are at the other side. */
function inflated(data: Buffer): Buffer {
  const { buffer, engine } = inflateSync(data, { maxOutputLength: limit, info: true }) as unknown as {
    buffer: Buffer;
    engine: { bytesWritten: number };
  };
  if (engine.bytesWritten !== data.length) {
    throw new Error('there is more behind it');
  }
  return buffer;
}

export function streamBroken(why: string): UserError {
  return new UserError('worker-broken', {
    what: 'The stream of files from the pod makes no sense.',
    why,
    next: 'Try again. If it stays so, the worker there is not that of this release.',
  });
}

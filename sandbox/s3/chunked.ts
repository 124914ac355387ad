import { crc32 } from 'node:zlib';
import { Refusal } from './refusal.ts';

const longestLine = 4096;

const malformed = (): Refusal => new Refusal(400, 'InvalidChunkSizeError', 'The chunks of the body are malformed.');

/**
 * Takes the framing off an `aws-chunked` body without chunk signatures: `<hex size>CRLF<bytes>CRLF`, ended by size 0
 * and trailing headers. A CRC32 among them is compared. Throws a `Refusal` where it is malformed or cut short.
 */
export async function* decodeChunks(source: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  const input = new Input(source);
  let checksum = 0;
  for (;;) {
    const line = await input.line();
    if (!/^[0-9a-f]{1,8}$/i.test(line)) throw malformed();
    let left = Number.parseInt(line, 16);
    if (left === 0) break;
    while (left > 0) {
      const piece = await input.upTo(left);
      left -= piece.length;
      checksum = crc32(piece, checksum);
      yield piece;
    }
    if ((await input.line()) !== '') throw malformed();
  }
  for (let line = await input.line(); line !== ''; line = await input.line()) {
    const told = /^x-amz-checksum-crc32:\s*(\S+)$/i.exec(line)?.[1];
    const computed = Buffer.alloc(4);
    computed.writeUInt32BE(checksum);
    if (told !== undefined && told !== computed.toString('base64')) {
      throw new Refusal(400, 'BadDigest', 'The CRC32 you specified did not match the calculated checksum.');
    }
  }
}

/** Reads lines and pieces from a stream of buffers. */
class Input {
  readonly #source: AsyncIterator<Buffer>;
  #rest: Buffer = Buffer.alloc(0);

  constructor(source: AsyncIterable<Buffer>) {
    this.#source = source[Symbol.asyncIterator]();
  }

  /** The text before the next CRLF; '' at the end of the stream. */
  async line(): Promise<string> {
    for (;;) {
      const end = this.#rest.indexOf('\r\n');
      if (end >= 0) {
        const line = this.#rest.subarray(0, end).toString('latin1');
        this.#rest = this.#rest.subarray(end + 2);
        return line;
      }
      if (this.#rest.length > longestLine) throw malformed();
      if (!(await this.#more())) return '';
    }
  }

  /** Between 1 and `bytes` bytes. */
  async upTo(bytes: number): Promise<Buffer> {
    while (this.#rest.length === 0) {
      if (!(await this.#more())) throw new Refusal(400, 'IncompleteBody', 'The request body ended too early.');
    }
    const piece = this.#rest.subarray(0, bytes);
    this.#rest = this.#rest.subarray(piece.length);
    return piece;
  }

  async #more(): Promise<boolean> {
    const next = await this.#source.next();
    if (next.done === true) return false;
    this.#rest = this.#rest.length === 0 ? next.value : Buffer.concat([this.#rest, next.value]);
    return true;
  }
}

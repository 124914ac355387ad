import { createHash, type Hash } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { decodeChunks } from './chunked.ts';
import { badArgument, notImplemented, Refusal } from './refusal.ts';

/** How a body may be signed beside by its hash. */
export interface PayloadRules {
  /** Whether `UNSIGNED-PAYLOAD` is taken. */
  unsigned: boolean;
  /** Whether `aws-chunked` bodies with an unsigned trailer are taken. */
  trailers: boolean;
}

/** A request's body, compared with what was signed while it is read; it can be read once. */
export class Body {
  /** Bytes without the framing of chunks; undefined when the client does not say. */
  readonly length: number | undefined;
  readonly #request: IncomingMessage;
  readonly #response: ServerResponse;
  readonly #payload: string;
  /** Called with the bytes that came so far, before they are used. */
  readonly #onBytes: (total: number) => void;

  /** Throws when the payload is signed in a way that is not taken. */
  constructor(
    request: IncomingMessage,
    response: ServerResponse,
    payload: string,
    rules: PayloadRules,
    onBytes: (total: number) => void,
  ) {
    this.#request = request;
    this.#response = response;
    this.#payload = payload;
    this.#onBytes = onBytes;
    const { headers } = request;
    if (payload === trailer ? !rules.trailers : payload.startsWith('STREAMING-')) throw notImplemented(payload);
    if (payload === unsigned && !rules.unsigned) throw new Refusal(403, 'AccessDenied', 'The payload must be signed.');
    if (payload !== trailer && (headers['content-encoding'] ?? '').includes('aws-chunked')) {
      throw notImplemented('aws-chunked');
    }
    if (payload !== trailer && payload !== unsigned && !/^[0-9a-f]{64}$/.test(payload)) {
      throw badArgument('x-amz-content-sha256 must be UNSIGNED-PAYLOAD or a SHA-256 in hexadecimal.');
    }
    const length = payload === trailer ? headers['x-amz-decoded-content-length'] : headers['content-length'];
    this.length = typeof length === 'string' ? Number(length) : undefined;
  }

  /** The bytes. Throws at the end when they are not those that were signed or announced. */
  async *bytes(): AsyncGenerator<Buffer> {
    if (/^100-continue$/i.test(this.#request.headers.expect ?? '')) this.#response.writeContinue();
    const sha256 = createHash('sha256');
    const md5 = this.#request.headers['content-md5'] === undefined ? undefined : createHash('md5');
    let length = 0;
    const raw = this.#raw();
    for await (const chunk of this.#payload === trailer ? decodeChunks(raw) : raw) {
      length += chunk.length;
      sha256.update(chunk);
      md5?.update(chunk);
      yield chunk;
    }
    this.#check(length, sha256, md5);
  }

  async *#raw(): AsyncGenerator<Buffer> {
    let total = 0;
    for await (const chunk of this.#request as AsyncIterable<Buffer>) {
      total += chunk.length;
      this.#onBytes(total);
      yield chunk;
    }
  }

  #check(length: number, sha256: Hash, md5: Hash | undefined): void {
    if (this.length !== undefined && length !== this.length) {
      throw new Refusal(400, 'IncompleteBody', 'You did not provide the number of bytes that you announced.');
    }
    if (md5 !== undefined && md5.digest('base64') !== this.#request.headers['content-md5']) {
      throw new Refusal(400, 'BadDigest', 'The Content-MD5 you specified did not match what we received.');
    }
    const signed = this.#payload !== unsigned && this.#payload !== trailer;
    if (signed && sha256.digest('hex') !== this.#payload) {
      throw new Refusal(
        400,
        'XAmzContentSHA256Mismatch',
        "The provided 'x-amz-content-sha256' header does not match what was computed.",
      );
    }
  }

  /** The whole body as text. Throws when it is longer than `limit` bytes. */
  async text(limit: number): Promise<string> {
    const parts: Buffer[] = [];
    let size = 0;
    for await (const part of this.bytes()) {
      size += part.length;
      if (size > limit) throw new Refusal(400, 'MaxMessageLengthExceeded', 'Your request was too big.');
      parts.push(part);
    }
    return Buffer.concat(parts).toString('utf8');
  }
}

const unsigned = 'UNSIGNED-PAYLOAD';
const trailer = 'STREAMING-UNSIGNED-PAYLOAD-TRAILER';

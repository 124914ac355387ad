import { createHash, type Hash } from 'node:crypto';
import { CancelledError, throwIfCancelled, UserError } from '../errors.ts';
import { takeLock } from '../files/lock.ts';
import { inParallel } from '../files/in-parallel.ts';
import { completeUpload, isCompleted } from './complete.ts';
import type { S3Link } from './link.ts';
import { abortUpload, createUpload, listParts } from './parts.ts';
import { sendRange, type Tally, type UploadLimits, type UploadOptions } from './sending.ts';
import { sourceChanged, type OpenSource } from './source.ts';
import { UploadJournal, type SentPart } from './upload-journal.ts';

const mostParts = 10_000;
const megabyte = 1024 * 1024;

/** Bytes of a part: the wanted ones, or more in whole MiB where that would be too many parts. */
export function partBytesFor(size: number, wanted: number): number {
  const least = Math.ceil(size / mostParts);
  return least <= wanted ? wanted : Math.ceil(least / megabyte) * megabyte;
}

/**
 * One large file in parts. Parts are read twice from disk, to be hashed in order (each one for its signature, all for
 * the comparison with the file's hash) and to be sent, so that memory holds only the chunks that are on their way.
 */
export class MultipartUpload {
  readonly #link: S3Link;
  readonly #limits: UploadLimits;
  readonly #open: OpenSource;
  readonly #key: string;
  readonly #tally: Tally;
  readonly #options: UploadOptions;
  /** Stops the other parts when one has failed. */
  readonly #stop = new AbortController();
  readonly #signal: AbortSignal;
  readonly #whole = createHash('sha256');
  #hashing: Promise<unknown> = Promise.resolve();
  #journal: UploadJournal | undefined;
  #uploadId = '';
  #partBytes: number;
  readonly #sent = new Map<number, SentPart>();
  #failed: { error: unknown } | undefined;

  constructor(link: S3Link, limits: UploadLimits, open: OpenSource, key: string, tally: Tally, options: UploadOptions) {
    this.#link = link;
    this.#limits = limits;
    this.#open = open;
    this.#key = key;
    this.#tally = tally;
    this.#options = options;
    this.#partBytes = partBytesFor(open.source.size, limits.partBytes);
    const { signal } = options;
    this.#signal = signal === undefined ? this.#stop.signal : AbortSignal.any([signal, this.#stop.signal]);
  }

  async run(): Promise<void> {
    const { journal: folder, signal } = this.#options;
    const file =
      folder === undefined ? undefined : UploadJournal.place(folder, this.#link.endpoint, this.#link.bucket, this.#key);
    const unlock = file === undefined ? undefined : await takeLock(`${file}.lock`, { signal });
    try {
      if (file === undefined || !(await this.#resume(file))) {
        await this.#begin(file);
        await this.#send();
      }
      await this.#journal?.remove();
    } catch (error) {
      if (this.#isHopeless(error)) {
        await this.#abandon();
      }
      throw error;
    } finally {
      await unlock?.();
    }
  }

  /** Goes on with what a journal tells, if it can; true when the upload is complete. */
  async #resume(file: string): Promise<boolean> {
    const journal = await UploadJournal.read(file);
    if (journal === undefined) {
      return false;
    }
    const { size, mtimeMs, ino, sha256 } = this.#open.source;
    const { head: was } = journal;
    const same = was.size === size && was.mtimeMs === mtimeMs && was.ino === ino && was.sha256 === sha256;
    this.#journal = journal;
    this.#uploadId = was.uploadId;
    if (!same) {
      await this.#abandon();
      return false;
    }
    const there = await listParts(this.#link, this.#key, was.uploadId, this.#signal);
    if (there === 'gone') {
      // It may have been completed just before the end of the last attempt.
      const before = journal.completing;
      if (before !== undefined && (await isCompleted(this.#link, this.#key, size, before, this.#signal))) {
        this.#tally.adjust(size);
        return true;
      }
      await journal.remove();
      this.#journal = undefined;
      return false;
    }
    for (const [number, part] of journal.parts) {
      const length = Math.min(was.partBytes, size - (number - 1) * was.partBytes);
      const seen = there === 'unknown' ? { etag: part.etag, size: length } : there.get(number);
      if (seen?.etag === part.etag && seen.size === length) {
        this.#sent.set(number, part);
      }
    }
    this.#partBytes = was.partBytes;
    await this.#send();
    return true;
  }

  async #begin(file: string | undefined): Promise<void> {
    const { absolute, size, mtimeMs, ino, sha256, path } = this.#open.source;
    this.#uploadId = await createUpload(this.#link, this.#key, path, this.#signal);
    if (file !== undefined) {
      this.#journal = await UploadJournal.create(file, {
        schema: 1,
        endpoint: this.#link.endpoint,
        bucket: this.#link.bucket,
        key: this.#key,
        uploadId: this.#uploadId,
        partBytes: this.#partBytes,
        absolute,
        size,
        mtimeMs,
        ino,
        sha256,
        begun: Date.now(),
      });
    }
  }

  async #send(): Promise<void> {
    const { source } = this.#open;
    const numbers = Array.from({ length: Math.ceil(source.size / this.#partBytes) }, (_, index) => index + 1);
    await inParallel(numbers, this.#limits.lanes, (number) => this.#part(number)).catch((error: unknown) => {
      throwIfCancelled(this.#options.signal);
      throw this.#failed?.error ?? error;
    });
    if (this.#whole.digest('hex') !== source.sha256) {
      throw sourceChanged(source);
    }
    await this.#open.check();
    await this.#complete();
  }

  async #complete(): Promise<void> {
    await completeUpload(this.#link, {
      key: this.#key,
      path: this.#open.source.path,
      size: this.#open.source.size,
      uploadId: this.#uploadId,
      parts: this.#sent,
      journal: this.#journal,
      signal: this.#options.signal,
    });
  }

  async #part(number: number): Promise<void> {
    try {
      const start = (number - 1) * this.#partBytes;
      const length = Math.min(this.#partBytes, this.#open.source.size - start);
      // One part is hashed at a time and in order, as the hash of the whole file needs it.
      const hashing = this.#hashing.then(() => this.#hash(start, length));
      this.#hashing = hashing.catch(() => undefined);
      const sha256 = await hashing;
      if (this.#sent.get(number)?.sha256 === sha256) {
        this.#tally.adjust(length);
        return;
      }
      const etag = await this.#sendPart(number, start, length, sha256);
      this.#sent.set(number, { etag, sha256 });
      await this.#journal?.addPart(number, { etag, sha256 });
    } catch (error) {
      this.#failed ??= { error };
      this.#stop.abort();
      throw error;
    }
  }

  async #hash(start: number, length: number): Promise<string> {
    const part = createHash('sha256');
    const buffer = Buffer.allocUnsafe(Math.min(length, megabyte));
    for (let done = 0; done < length;) {
      throwIfCancelled(this.#signal);
      const wanted = Math.min(buffer.length, length - done);
      const { bytesRead } = await this.#open.handle.read(buffer, 0, wanted, start + done);
      if (bytesRead === 0) {
        throw sourceChanged(this.#open.source);
      }
      const chunk = buffer.subarray(0, bytesRead);
      update([part, this.#whole], chunk);
      done += bytesRead;
    }
    return part.digest('hex');
  }

  #sendPart(number: number, start: number, length: number, sha256: string): Promise<string> {
    const { signPayload } = this.#limits;
    return this.#link.call({
      what: `upload ${this.#open.source.path}`,
      signal: this.#signal,
      once: (attempt) =>
        sendRange(attempt, {
          open: this.#open,
          start,
          length,
          payloadHash: signPayload ? sha256 : 'UNSIGNED-PAYLOAD',
          // A signed hash is compared by the service.
          sha256: signPayload ? undefined : sha256,
          tally: this.#tally,
          send: async (Body) => {
            const { ETag } = await attempt.client.send(
              new attempt.sdk.UploadPartCommand({
                Bucket: attempt.bucket,
                Key: this.#key,
                UploadId: this.#uploadId,
                PartNumber: number,
                ContentLength: length,
                Body,
              }),
              { abortSignal: attempt.signal },
            );
            return ETag ?? '';
          },
        }),
    });
  }

  /** Whether the parts that were sent are of no use any more. */
  #isHopeless(error: unknown): boolean {
    if (this.#journal === undefined) {
      return true;
    }
    if (error instanceof CancelledError || !(error instanceof UserError)) {
      return false;
    }
    // On a full volume they take the room that is missing.
    return ['file-changed', 'volume-full', 's3-lost', 's3-missing', 's3-refused'].includes(error.code);
  }

  /** Gives the room of the parts back; only for an upload of our own. */
  async #abandon(): Promise<void> {
    if (this.#uploadId !== '') {
      await abortUpload(this.#link, this.#key, this.#uploadId);
    }
    await this.#journal?.remove();
    this.#journal = undefined;
    this.#uploadId = '';
  }
}

function update(hashes: readonly Hash[], chunk: Buffer): void {
  for (const hash of hashes) {
    hash.update(chunk);
  }
}

import type { GetObjectCommandOutput } from '@aws-sdk/client-s3';
import { open, rename, rm, type FileHandle } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import { throwIfCancelled, UserError } from '../errors.ts';
import { sha256Of } from '../files/hash.ts';
import { inParallel } from '../files/in-parallel.ts';
import { writeAll } from '../files/write-all.ts';
import { PartState } from './download-state.ts';
import { DiskFailure, onDisk, S3Error } from './errors.ts';
import { head, isSameState, type VolumeFile } from './head.ts';
import type { Attempt, S3Link } from './link.ts';

export interface DownloadLimits {
  /** Bytes of a range. */
  rangeBytes: number;
  /** Ranges of one file under way at a time. */
  lanes: number;
}

export const defaultDownloadLimits: DownloadLimits = { rangeBytes: 16 * 1024 * 1024, lanes: 4 };

export interface DownloadOptions {
  signal?: AbortSignal | undefined;
  /** Bytes that came, negative for those of an attempt that came to nothing. */
  onBytes?: ((bytes: number) => void) | undefined;
  /** Whether what lies in the `.part` from before is used, and kept for later when this fails. */
  resume?: boolean | undefined;
  /** What the file must be, when it is known. */
  sha256?: string | undefined;
}

export interface DownloadResult extends VolumeFile {
  /** Bytes that travelled. */
  receivedBytes: number;
}

/**
 * Brings a file to this machine: into `<localFile>.part`, and when its size, and its sha256 where known, are right, by
 * one rename to its name. The caller has made sure of the name and its folder. Rejects with `s3-missing`, `s3-changed`
 * when it changed meanwhile, `fetch-mismatch` when its content is another one, or as `S3Link.call`.
 */
export async function download(
  link: S3Link,
  limits: DownloadLimits,
  key: string,
  localFile: string,
  options: DownloadOptions = {},
): Promise<DownloadResult> {
  const { signal, resume, sha256 } = options;
  const file = await head(link, key, { signal });
  if (file === undefined) {
    throw new S3Error('s3-missing', {
      what: `${key} is not on the volume.`,
      next: 'Refresh; it may have been deleted.',
    });
  }
  const part = `${localFile}.part`;
  const state = await PartState.open(part, { key, ...file, rangeBytes: limits.rangeBytes }, resume === true);
  let keep = resume === true;
  try {
    const getting = new Download(link, limits.lanes, key, part, file, state, options);
    await getting.run();
    if (!isSameState(file, (await head(link, key, { signal })) ?? { ...file, size: -1 })) {
      throw changed(key);
    }
    if (sha256 !== undefined && (await sha256Of(part, signal)) !== sha256) {
      throw new UserError('fetch-mismatch', {
        what: `${key} arrived with another content than it should have.`,
        why: `Expected sha256 ${sha256}.`,
        next: 'Fetch again.',
      });
    }
    keep = false;
    await rename(part, localFile);
    return { ...file, receivedBytes: getting.received };
  } catch (error) {
    keep &&= !(error instanceof UserError && ['s3-changed', 'fetch-mismatch', 's3-missing'].includes(error.code));
    throw error;
  } finally {
    if (!keep) {
      await state.remove();
      await rm(part, { force: true });
    }
  }
}

class Download {
  received = 0;
  readonly #link: S3Link;
  readonly #lanes: number;
  readonly #key: string;
  readonly #part: string;
  readonly #file: VolumeFile;
  readonly #state: PartState;
  readonly #options: DownloadOptions;

  constructor(
    link: S3Link,
    lanes: number,
    key: string,
    part: string,
    file: VolumeFile,
    state: PartState,
    options: DownloadOptions,
  ) {
    this.#link = link;
    this.#lanes = lanes;
    this.#key = key;
    this.#part = part;
    this.#file = file;
    this.#state = state;
    this.#options = options;
  }

  async run(): Promise<void> {
    const { size } = this.#file;
    const { rangeBytes, done } = this.#state;
    const all = Array.from({ length: Math.ceil(size / rangeBytes) }, (_, index) => index);
    const lengthOf = (index: number): number => Math.min(rangeBytes, size - index * rangeBytes);
    this.#tell(all.filter((index) => done.has(index)).reduce((sum, index) => sum + lengthOf(index), 0));
    const handle = await open(this.#part, 'r+');
    const stop = new AbortController();
    const { signal } = this.#options;
    const both = signal === undefined ? stop.signal : AbortSignal.any([signal, stop.signal]);
    let failed: { error: unknown } | undefined;
    try {
      const missing = all.filter((index) => !done.has(index));
      await inParallel(missing, this.#lanes, async (index) => {
        try {
          await this.#range(handle, index * rangeBytes, lengthOf(index), both);
          await this.#state.add(index);
        } catch (error) {
          failed ??= { error };
          stop.abort();
          throw error;
        }
      }).catch((error: unknown) => {
        throwIfCancelled(signal);
        throw failed?.error ?? error;
      });
      await handle.sync();
    } finally {
      await handle.close();
    }
  }

  /** Asks for what is missing of a range until it is whole; each answer that brought bytes is progress. */
  async #range(handle: FileHandle, start: number, length: number, signal: AbortSignal): Promise<void> {
    for (let done = 0; done < length;) {
      done += await this.#link.call({
        what: `download ${this.#key}`,
        signal,
        once: (attempt) => this.#some(attempt, handle, start + done, length - done),
      });
    }
  }

  /** Writes what one answer brings, and tells how many bytes that were; more than none unless it rejects. */
  async #some(attempt: Attempt, handle: FileHandle, start: number, length: number): Promise<number> {
    const answer = await attempt.client.send(
      new attempt.sdk.GetObjectCommand({
        Bucket: attempt.bucket,
        Key: this.#key,
        Range: `bytes=${start}-${start + length - 1}`,
      }),
      { abortSignal: attempt.signal },
    );
    const body = answer.Body as Readable;
    let done = 0;
    try {
      let skip = this.#check(answer, start);
      for await (const piece of body as AsyncIterable<Buffer>) {
        attempt.alive();
        const rest = piece.subarray(Math.min(skip, piece.length));
        skip -= piece.length - rest.length;
        const chunk = rest.subarray(0, length - done);
        if (chunk.length > 0) {
          await onDisk(writeAll(handle, chunk, start + done));
          done += chunk.length;
          this.received += chunk.length;
          this.#tell(chunk.length);
        }
        if (done === length) {
          break;
        }
      }
    } catch (error) {
      // What is written stays; the next answer goes on behind it.
      if (done === 0 || error instanceof UserError || error instanceof DiskFailure) {
        throw error;
      }
    } finally {
      body.destroy();
    }
    if (done === 0) {
      throw Object.assign(new Error('The answer ended before its first byte.'), { code: 'ECONNRESET' });
    }
    return done;
  }

  /** Bytes to pass over before the wanted ones: where the service ignores ranges, it sends the file from its start. */
  #check(answer: GetObjectCommandOutput, start: number): number {
    const { ETag, LastModified, ContentRange, ContentLength } = answer;
    const [, first, total] = /^bytes (\d+)-\d+\/(\d+)$/.exec(ContentRange ?? '') ?? [];
    const now: VolumeFile = {
      size: total === undefined ? this.#file.size : Number(total),
      modified: LastModified ?? this.#file.modified,
      etag: ETag ?? '',
    };
    if (!isSameState(this.#file, now)) {
      throw changed(this.#key);
    }
    if (first === undefined) {
      return ContentLength === undefined || ContentLength === this.#file.size ? start : 0;
    }
    if (Number(first) !== start) {
      throw Object.assign(new Error(`The answer begins at byte ${first} instead of ${start}.`), { code: 'BadRange' });
    }
    return 0;
  }

  #tell(bytes: number): void {
    if (bytes !== 0) {
      this.#options.onBytes?.(bytes);
    }
  }
}

function changed(key: string): S3Error {
  return new S3Error('s3-changed', {
    what: `${key} changed on the volume while it was fetched.`,
    why: 'Something there is still writing it.',
    next: 'Wait until it is complete and fetch again.',
  });
}

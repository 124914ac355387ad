import { createHash } from 'node:crypto';
import { buffer as collect } from 'node:stream/consumers';
import type { Readable } from 'node:stream';
import { stat } from 'node:fs/promises';
import { UserError } from '../errors.ts';
import { byteText, count } from '../words/index.ts';
import { unsafeName } from '../files/confine.ts';
import { checkAccess, type S3Access } from './access.ts';
import {
  defaultDownloadLimits,
  download,
  type DownloadLimits,
  type DownloadOptions,
  type DownloadResult,
} from './download.ts';
import { S3Error } from './errors.ts';
import { head, type VolumeFile } from './head.ts';
import { S3Link, type S3Timing } from './link.ts';
import { listFolder, type VolumeItem } from './list.ts';
import { abortUpload } from './parts.ts';
import { defaultUploadLimits, type UploadLimits, type UploadOptions } from './sending.ts';
import type { UploadSource } from './source.ts';
import { UploadJournal } from './upload-journal.ts';
import { upload, type UploadResult } from './upload.ts';

export interface VolumeStoreOptions {
  timing?: Partial<S3Timing> | undefined;
  upload?: Partial<UploadLimits> | undefined;
  download?: Partial<DownloadLimits> | undefined;
}

/** Whether a volume can be reached over S3, and a sentence about it. */
export interface S3Probe {
  state: 'works' | 'denied' | 'no-bucket' | 'unreachable';
  sentence: string;
}

/** How long an unfinished upload of ours is kept for going on with it, in milliseconds. */
const staleAfterMs = 7 * 24 * 3600 * 1000;

/**
 * The files of one network volume over S3, with no pod. Keys are paths below the volume's root. Every method rejects
 * with S3Error (`s3-denied`, `s3-no-bucket`, `s3-unreachable`, `s3-failing`, `s3-refused`, `volume-full`) or
 * CancelledError, and with `unsafe-name` for a key that is no plain path.
 */
export class VolumeStore {
  readonly volumeId: string;
  /** Address, without the slash at its end. */
  readonly endpoint: string;
  readonly #link: S3Link;
  readonly #upload: UploadLimits;
  readonly #download: DownloadLimits;

  /** Throws `s3-url` or `s3-keys` for an access that cannot be used. Connects with the first request. */
  constructor(access: S3Access, volumeId: string, options: VolumeStoreOptions = {}) {
    this.volumeId = volumeId;
    const checked = checkAccess(access);
    this.endpoint = checked.endpoint;
    this.#link = new S3Link(checked, volumeId, options.timing);
    this.#upload = { ...defaultUploadLimits, ...options.upload };
    this.#download = { ...defaultDownloadLimits, ...options.download };
  }

  /** Looks once whether the keys open the volume; rejects only when cancelled. */
  async probe(signal?: AbortSignal): Promise<S3Probe> {
    try {
      await this.#link.call({
        what: `reach volume ${this.volumeId}`,
        signal,
        attempts: 3,
        quietMs: 15_000,
        once: (attempt) =>
          attempt.client.send(new attempt.sdk.HeadBucketCommand({ Bucket: attempt.bucket }), {
            abortSignal: attempt.signal,
          }),
      });
      return { state: 'works', sentence: `The S3 API reaches volume ${this.volumeId}.` };
    } catch (error) {
      if (!(error instanceof S3Error)) {
        throw error;
      }
      return { state: stateOf(error), sentence: [error.what, error.why, error.next].filter(Boolean).join(' ') };
    }
  }

  /** Size and time of a file, or undefined when there is none. */
  async head(key: string, signal?: AbortSignal): Promise<VolumeFile | undefined> {
    return head(this.#link, checkKey(key), { signal });
  }

  /** One level of a folder (`''` is the volume); also rejects with `s3-list-repeats`. */
  async list(folder: string, signal?: AbortSignal): Promise<VolumeItem[]> {
    return listFolder(this.#link, folder === '' ? '' : checkKey(folder), signal);
  }

  /** A whole small file, or undefined when there is none. Rejects with `file-too-large` above `maxBytes`. */
  async read(
    key: string,
    options: { maxBytes: number; signal?: AbortSignal | undefined },
  ): Promise<Buffer | undefined> {
    checkKey(key);
    try {
      return await this.#link.call({
        what: `read ${key}`,
        signal: options.signal,
        once: async ({ client, sdk, bucket, signal }) => {
          const answer = await client.send(new sdk.GetObjectCommand({ Bucket: bucket, Key: key }), {
            abortSignal: signal,
          });
          const body = answer.Body as Readable;
          const size = answer.ContentLength ?? 0;
          if (size > options.maxBytes) {
            body.destroy();
            throw new UserError('file-too-large', {
              what: `${key} has ${byteText(size)}; at most ${byteText(options.maxBytes)} are read at once.`,
              next: 'Download it instead.',
            });
          }
          const content = await collect(body);
          if (content.length !== size) {
            throw Object.assign(new Error(`${content.length} of ${count(size, 'byte')} came.`), { code: 'ECONNRESET' });
          }
          return content;
        },
      });
    } catch (error) {
      if (error instanceof S3Error && error.code === 's3-missing') {
        return undefined;
      }
      throw error;
    }
  }

  /** Reads a file of any size for its size and sha256, or undefined when there is none. */
  async digest(key: string, signal?: AbortSignal): Promise<{ size: number; sha256: string } | undefined> {
    checkKey(key);
    try {
      return await this.#link.call({
        what: `read ${key}`,
        signal,
        once: async ({ client, sdk, bucket, signal: end, alive }) => {
          const answer = await client.send(new sdk.GetObjectCommand({ Bucket: bucket, Key: key }), {
            abortSignal: end,
          });
          const hash = createHash('sha256');
          let size = 0;
          for await (const chunk of answer.Body as AsyncIterable<Buffer>) {
            alive();
            hash.update(chunk);
            size += chunk.length;
          }
          if (size !== answer.ContentLength) {
            throw Object.assign(new Error(`${size} of ${answer.ContentLength} bytes came.`), { code: 'ECONNRESET' });
          }
          return { size, sha256: hash.digest('hex') };
        },
      });
    } catch (error) {
      if (error instanceof S3Error && error.code === 's3-missing') {
        return undefined;
      }
      throw error;
    }
  }

  /** Replaces a small file as a whole. */
  async write(key: string, content: Buffer, signal?: AbortSignal): Promise<VolumeFile> {
    checkKey(key);
    await this.#link.call({
      what: `write ${key}`,
      signal,
      once: (attempt) =>
        attempt.client.send(new attempt.sdk.PutObjectCommand({ Bucket: attempt.bucket, Key: key, Body: content }), {
          abortSignal: attempt.signal,
        }),
    });
    const there = await this.head(key, signal);
    if (there?.size !== content.length) {
      throw new S3Error('s3-lost', {
        what: `${key} is not on the volume.`,
        why: 'The S3 service accepted it, and it was not there with its full size afterwards.',
        next: 'Try again.',
      });
    }
    return there;
  }

  /** Puts a file of this machine under a key; see `upload`. */
  async upload(source: UploadSource, key: string, options: UploadOptions = {}): Promise<UploadResult> {
    return upload(this.#link, this.#upload, source, checkKey(key), options);
  }

  /** Brings a file to this machine; see `download`. */
  async download(key: string, localFile: string, options: DownloadOptions = {}): Promise<DownloadResult> {
    return download(this.#link, this.#download, checkKey(key), localFile, options);
  }

  /** Deletes one file; one that is not there is no failure. */
  async remove(key: string, signal?: AbortSignal): Promise<void> {
    await this.#delete(checkKey(key), signal);
  }

  /** Deletes a folder that is empty; one that is not stays. */
  async removeFolder(folder: string, signal?: AbortSignal): Promise<void> {
    await this.#delete(`${checkKey(folder)}/`, signal);
  }

  async #delete(key: string, signal: AbortSignal | undefined): Promise<void> {
    try {
      await this.#link.call({
        what: `delete ${key}`,
        signal,
        once: (attempt) =>
          attempt.client.send(new attempt.sdk.DeleteObjectCommand({ Bucket: attempt.bucket, Key: key }), {
            abortSignal: attempt.signal,
          }),
      });
    } catch (error) {
      if (!(error instanceof S3Error && error.code === 's3-missing')) {
        throw error;
      }
    }
  }

  /**
   * Ends unfinished uploads to this volume that the journals in `folder` tell of and that cannot go on: their file
   * changed or is gone, or they lie for a week. Uploads that no journal tells of are somebody else's and stay.
   * @returns how many were ended.
   */
  async abortStale(folder: string): Promise<number> {
    let ended = 0;
    for (const journal of await UploadJournal.readAll(folder)) {
      const { endpoint, bucket, key, uploadId, absolute, size, mtimeMs, begun } = journal.head;
      const stats = await stat(absolute).catch(() => undefined);
      const goesOn = stats?.size === size && stats.mtimeMs === mtimeMs && Date.now() - begun < staleAfterMs;
      const isOurs = endpoint === this.#link.endpoint && bucket === this.#link.bucket;
      if (isOurs && !goesOn && (await abortUpload(this.#link, key, uploadId))) {
        await journal.remove();
        ended += 1;
      }
    }
    return ended;
  }

  /** Closes the connections. */
  async close(): Promise<void> {
    await this.#link.close();
  }
}

function stateOf(error: S3Error): S3Probe['state'] {
  if (error.code === 's3-denied') {
    return 'denied';
  }
  return error.code === 's3-no-bucket' || error.code === 's3-missing' ? 'no-bucket' : 'unreachable';
}

/** Keys are paths on the volume, so what is no plain path there is refused. */
function checkKey(key: string): string {
  const reason = unsafeName(key, 'linux');
  if (reason !== undefined) {
    throw new UserError('unsafe-name', {
      what: `${JSON.stringify(key)} cannot be a name on the volume.`,
      why: `As a path, ${reason}.`,
      next: 'Rename it.',
    });
  }
  return key;
}

import { UserError } from '../errors.ts';
import { S3Error } from './errors.ts';
import type { S3Link } from './link.ts';

export async function createUpload(
  link: S3Link,
  key: string,
  path: string,
  signal: AbortSignal | undefined,
): Promise<string> {
  return link.call({
    what: `begin the upload of ${path}`,
    signal,
    once: async (attempt) => {
      const { UploadId } = await attempt.client.send(
        new attempt.sdk.CreateMultipartUploadCommand({ Bucket: attempt.bucket, Key: key }),
        { abortSignal: attempt.signal },
      );
      if (UploadId === undefined || UploadId === '') {
        throw new Error('The answer has no upload id.');
      }
      return UploadId;
    },
  });
}

/** A part as the service has it; size in bytes. */
export interface ListedPart {
  etag: string;
  size: number;
}

/** The parts that lie there by number; `gone` when there is no such upload, `unknown` when the service does not say. */
export async function listParts(
  link: S3Link,
  key: string,
  uploadId: string,
  signal: AbortSignal | undefined,
): Promise<Map<number, ListedPart> | 'gone' | 'unknown'> {
  const parts = new Map<number, ListedPart>();
  let marker: string | undefined;
  for (;;) {
    try {
      const page = await link.call({
        what: 'look at an unfinished upload',
        signal,
        once: (attempt) =>
          attempt.client.send(
            new attempt.sdk.ListPartsCommand({
              Bucket: attempt.bucket,
              Key: key,
              UploadId: uploadId,
              PartNumberMarker: marker,
            }),
            { abortSignal: attempt.signal },
          ),
      });
      for (const { PartNumber, ETag, Size } of page.Parts ?? []) {
        parts.set(PartNumber ?? 0, { etag: ETag ?? '', size: Size ?? -1 });
      }
      const next = page.NextPartNumberMarker;
      if (page.IsTruncated !== true || next === undefined || next === marker) {
        return parts;
      }
      marker = next;
    } catch (error) {
      if (error instanceof S3Error && error.code === 's3-missing') {
        return 'gone';
      }
      if (error instanceof S3Error && (error.status === 405 || error.status === 501)) {
        return 'unknown';
      }
      throw error;
    }
  }
}

/** Ends an upload of our own. That it cannot be ended is no failure: the next sweep tries again, or nothing is left. */
export async function abortUpload(link: S3Link, key: string, uploadId: string): Promise<boolean> {
  try {
    await link.call({
      what: 'end an unfinished upload',
      attempts: 3,
      quietMs: 20_000,
      once: (attempt) =>
        attempt.client.send(
          new attempt.sdk.AbortMultipartUploadCommand({ Bucket: attempt.bucket, Key: key, UploadId: uploadId }),
          { abortSignal: attempt.signal },
        ),
    });
    return true;
  } catch (error) {
    if (error instanceof UserError) {
      return error.code === 's3-missing';
    }
    throw error;
  }
}

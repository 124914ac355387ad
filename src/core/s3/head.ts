import { S3Error } from './errors.ts';
import type { S3Link } from './link.ts';

/** What the service says about a file on the volume. */
export interface VolumeFile {
  /** In bytes. */
  size: number;
  modified: Date;
  /** As sent, with its quotes. */
  etag: string;
}

export interface HeadOptions {
  signal?: AbortSignal | undefined;
  attempts?: number | undefined;
}

/** Size and time of a file, or undefined when there is none. */
export async function head(link: S3Link, key: string, options: HeadOptions = {}): Promise<VolumeFile | undefined> {
  try {
    return await link.call({
      what: `look at ${key}`,
      ...options,
      once: async ({ sdk, client, bucket, signal }) => {
        const answer = await client.send(new sdk.HeadObjectCommand({ Bucket: bucket, Key: key }), {
          abortSignal: signal,
        });
        const { ContentLength: size, LastModified: modified, ETag: etag } = answer;
        return { size: size ?? 0, modified: modified ?? new Date(0), etag: etag ?? '' };
      },
    });
  } catch (error) {
    if (error instanceof S3Error && error.code === 's3-missing') {
      return undefined;
    }
    throw error;
  }
}

/** Whether both descriptions are of the same state of a file. Times of answers have whole seconds, of listings parts. */
export function isSameState(a: VolumeFile, b: VolumeFile): boolean {
  return (
    a.size === b.size && isSameTime(a.modified, b.modified) && (a.etag === '' || b.etag === '' || a.etag === b.etag)
  );
}

export function isSameTime(a: Date, b: Date): boolean {
  return Math.abs(a.getTime() - b.getTime()) < 1000;
}

import { S3Error } from './errors.ts';
import { head, type VolumeFile } from './head.ts';
import { pause, type S3Link } from './link.ts';
import { MultipartUpload } from './multipart.ts';
import { sendRange, Tally, type UploadLimits, type UploadOptions } from './sending.ts';
import { OpenSource, type UploadSource } from './source.ts';

export interface UploadResult extends VolumeFile {
  /** Bytes given to the network, repetitions included. */
  sentBytes: number;
}

/**
 * Puts a file under a key, where it appears as a whole, and looks whether it is there: this service has said yes to
 * uploads that were gone afterwards, so one that is not there is sent a second time. Rejects with `file-changed` (what
 * was under the key stays), `s3-lost`, `volume-full` and the other codes of S3Error, or CancelledError.
 */
export async function upload(
  link: S3Link,
  limits: UploadLimits,
  source: UploadSource,
  key: string,
  options: UploadOptions = {},
): Promise<UploadResult> {
  const tally = new Tally(options.onBytes);
  for (let round = 1; ; round += 1) {
    const open = await OpenSource.open(source);
    try {
      if (source.size < limits.singleBytes) {
        await put(link, limits, open, key, tally, options.signal);
      } else {
        await new MultipartUpload(link, limits, open, key, tally, options).run();
      }
    } catch (error) {
      if (round === 1 && isLoss(error)) {
        tally.restart();
        continue;
      }
      throw error;
    } finally {
      await open.close();
    }
    const there = await arrived(link, key, source.size, options.signal);
    if (there !== undefined) {
      return { ...there, sentBytes: tally.sent };
    }
    if (round === 2) {
      throw new S3Error('s3-lost', {
        what: `${source.path} is not on the volume.`,
        why: 'The S3 service accepted it twice, and twice it was not there with its full size afterwards.',
        next: 'Try again later, or transfer it through a pod.',
      });
    }
    tally.restart();
  }
}

/** Whether the service has lost the parts that it had taken. */
function isLoss(error: unknown): boolean {
  return error instanceof S3Error && (['s3-lost', 's3-missing'].includes(error.code) || error.reason === 'InvalidPart');
}

/** The file when it is there with this size; a second look follows a moment later. */
async function arrived(
  link: S3Link,
  key: string,
  size: number,
  signal: AbortSignal | undefined,
): Promise<VolumeFile | undefined> {
  const first = await head(link, key, { signal });
  if (first?.size === size) {
    return first;
  }
  await pause(link.timing.baseMs, signal);
  const second = await head(link, key, { signal });
  return second?.size === size ? second : undefined;
}

async function put(
  link: S3Link,
  limits: UploadLimits,
  open: OpenSource,
  key: string,
  tally: Tally,
  signal: AbortSignal | undefined,
): Promise<void> {
  const { size, sha256, path } = open.source;
  await link.call({
    what: `upload ${path}`,
    signal,
    once: (attempt) =>
      sendRange(attempt, {
        open,
        start: 0,
        length: size,
        payloadHash: limits.signPayload ? sha256 : 'UNSIGNED-PAYLOAD',
        sha256,
        tally,
        send: (Body) =>
          attempt.client.send(
            new attempt.sdk.PutObjectCommand({ Bucket: attempt.bucket, Key: key, Body, ContentLength: size }),
            { abortSignal: attempt.signal },
          ),
      }),
  });
}

import { S3Error } from './errors.ts';
import { head, isSameState } from './head.ts';
import { pause, type S3Link } from './link.ts';
import type { SentPart, StateBefore, UploadJournal } from './upload-journal.ts';

export interface Completion {
  key: string;
  /** How the file is called in errors. */
  path: string;
  size: number;
  uploadId: string;
  parts: ReadonlyMap<number, SentPart>;
  journal: UploadJournal | undefined;
  signal: AbortSignal | undefined;
}

/**
 * Makes the parts the file. For many gigabytes that takes minutes: the proxy before the service gives up first (524)
 * although it succeeds, and who asks again hears that there is no such upload. What counts is therefore whether the
 * file is there, changed and with its size. Rejects with `s3-lost` when the upload is gone and the file is not there.
 */
export async function completeUpload(link: S3Link, completion: Completion): Promise<void> {
  const { key, size, signal, journal, path } = completion;
  const { attempts, baseMs, maxDelayMs, completeMs, completeMsPerGb } = link.timing;
  const patience = Math.max(completeMs, (completeMsPerGb * size) / 1e9);
  const before = journal?.completing !== undefined ? journal.completing : await stateNow(link, key, signal);
  await journal?.setCompleting(before);

  const isThere = (): Promise<boolean> => isCompleted(link, key, size, before, signal);
  /** Looks for the file until the patience is at its end. */
  const appears = async (): Promise<boolean> => {
    const end = performance.now() + patience;
    for (let wait = baseMs; ; wait = Math.min(wait * 2, maxDelayMs)) {
      if (await isThere()) {
        return true;
      }
      const left = end - performance.now();
      if (left <= 0) {
        return false;
      }
      await pause(Math.min(wait, left), signal);
    }
  };

  for (let number = 1; ; number += 1) {
    const outcome = await ask(link, completion, patience);
    if (outcome === 'done') {
      return;
    }
    // The service may still be at it when only the answer was lost.
    const done = outcome.slow ? await appears() : await isThere();
    if (done) {
      return;
    }
    if (outcome.gone) {
      throw new S3Error('s3-lost', {
        what: `The upload of ${path} is gone.`,
        why: 'The S3 service does not know it any more, and the file is not on the volume.',
        next: 'Start again; it is sent anew.',
      });
    }
    if (number >= attempts) {
      throw outcome.error;
    }
    await pause(Math.min(maxDelayMs, baseMs * 2 ** (number - 1)), signal);
  }
}

/** Whether a file of this size lies under the key that is not what lay there before. */
export async function isCompleted(
  link: S3Link,
  key: string,
  size: number,
  before: StateBefore,
  signal: AbortSignal | undefined,
): Promise<boolean> {
  const now = await head(link, key, { signal });
  if (now?.size !== size) {
    return false;
  }
  return before === null || !isSameState({ size, etag: before.etag, modified: new Date(before.modified) }, now);
}

type Outcome = 'done' | { error: S3Error; slow: boolean; gone: boolean };

async function ask(link: S3Link, completion: Completion, patience: number): Promise<Outcome> {
  const { key, uploadId, parts, signal, path } = completion;
  const list = [...parts].sort(([a], [b]) => a - b).map(([PartNumber, { etag }]) => ({ PartNumber, ETag: etag }));
  try {
    await link.call({
      what: `complete the upload of ${path}`,
      signal,
      attempts: 1,
      quietMs: patience,
      once: (attempt) =>
        attempt.client.send(
          new attempt.sdk.CompleteMultipartUploadCommand({
            Bucket: attempt.bucket,
            Key: key,
            UploadId: uploadId,
            MultipartUpload: { Parts: list },
          }),
          { abortSignal: attempt.signal },
        ),
    });
    return 'done';
  } catch (error) {
    if (!(error instanceof S3Error) || !canBeSettled(error)) {
      throw error;
    }
    const { status } = error;
    const gone = error.code === 's3-missing';
    return { error, gone, slow: gone || error.reason === 'ETIMEDOUT' || status === 524 || status === 504 };
  }
}

function canBeSettled({ code }: S3Error): boolean {
  return ['s3-missing', 's3-unreachable', 's3-failing'].includes(code);
}

async function stateNow(link: S3Link, key: string, signal: AbortSignal | undefined): Promise<StateBefore> {
  const now = await head(link, key, { signal });
  return now === undefined ? null : { etag: now.etag, modified: now.modified.getTime() };
}

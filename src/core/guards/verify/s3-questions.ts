import { randomBytes } from 'node:crypto';
import { Readable } from 'node:stream';
import { setTimeout as wait } from 'node:timers/promises';
import type * as Library from '@aws-sdk/client-s3';
import type { Volume } from '../../runpod/schemas.ts';
import { failureOf } from '../../s3/errors.ts';
import { VolumeStore, type S3Access } from '../../s3/index.ts';
import { s3AccessOf } from '../../s3/s3-source.ts';
import { known, notKnown, type Answers } from './answers.ts';
import type { VerifyOptions } from './options.ts';

/** A new volume may not be known to S3 at once. */
const openSeconds = 60;
const key = 'rpt-verify.txt';
const content = Buffer.from('0123456789');

const question = 'Which checksums, ranges and region names does the S3 API take?';

/** Says why S3 is not asked about. */
export function tellWithoutS3(answers: Answers, why: string): void {
  answers.tell('s3', question, 'not asked', why);
}

/** Asks the S3 side of a volume that was made for this check; leaves a few bytes on it. */
export async function askS3(
  options: VerifyOptions,
  answers: Answers,
  volume: Volume,
  signal: AbortSignal,
): Promise<void> {
  const access = await s3AccessOf(options.installation.s3, volume.dataCenter);
  if (access === undefined) {
    const keys = await options.installation.s3?.keys();
    if (keys === undefined) {
      tellWithoutS3(answers, 'no S3 keys are set');
    } else {
      answers.tell('s3', question, 'unknown', `${volume.dataCenter} has no S3 API by the table`);
    }
    return;
  }
  if (await opens(answers, access, volume, signal)) {
    await askForRange(answers, access, volume, signal);
    await askForChecksums(answers, access, volume, signal);
    await askForRegion(answers, access, volume, signal);
  }
}

async function opens(answers: Answers, access: S3Access, volume: Volume, signal: AbortSignal): Promise<boolean> {
  const store = new VolumeStore(access, volume.id);
  let open = false;
  try {
    await answers.ask('s3-open', 'Do the S3 keys open a new volume, and how soon?', signal, async () => {
      const began = performance.now();
      const seconds = (): number => (performance.now() - began) / 1000;
      for (;;) {
        const { state, sentence } = await store.probe(signal);
        if (state === 'works') {
          await store.write(key, content, signal);
          open = true;
          answers.keep('s3Works', { [volume.dataCenter]: true }, `after ${seconds().toFixed(1)} s`);
          return known(`yes, after ${seconds().toFixed(1)} s`);
        }
        if (seconds() > openSeconds) {
          return notKnown(`not within ${openSeconds} s: ${sentence}`);
        }
        await wait(1_000, undefined, { signal });
      }
    });
  } finally {
    await store.close();
  }
  return open;
}

function askForRange(answers: Answers, access: S3Access, volume: Volume, signal: AbortSignal): Promise<void> {
  return answers.ask('s3-range', 'Does S3 answer a part of a file?', signal, () =>
    withClient(access, {}, async (client, sdk) => {
      const request = new sdk.GetObjectCommand({ Bucket: volume.id, Key: key, Range: 'bytes=2-4' });
      const answer = await client.send(request, { abortSignal: signal });
      const text = (await answer.Body?.transformToString()) ?? '';
      const right = text === content.toString('utf8', 2, 5);
      answers.keep('s3Ranges', right, `bytes=2-4 was answered with ${JSON.stringify(text.slice(0, 20))}`);
      return known(right ? 'yes' : 'no: it sends the whole file');
    }),
  );
}

function askForChecksums(answers: Answers, access: S3Access, volume: Volume, signal: AbortSignal): Promise<void> {
  return answers.ask('s3-checksum', 'Does S3 take the checksums that libraries send by default?', signal, () =>
    withClient(access, { requestChecksumCalculation: 'WHEN_SUPPORTED' }, async (client, sdk) => {
      const put = async (Body: Buffer | Readable): Promise<string | undefined> => {
        const name = `rpt-verify-${randomBytes(4).toString('hex')}.txt`;
        const request = { Bucket: volume.id, Key: name, Body, ContentLength: content.length };
        try {
          await client.send(new sdk.PutObjectCommand(request), { abortSignal: signal });
          const back = await client.send(new sdk.GetObjectCommand({ Bucket: volume.id, Key: name }), {
            abortSignal: signal,
          });
          const same = (await back.Body?.transformToString()) === content.toString();
          return same ? undefined : 'what came back is not what was sent';
        } catch (error) {
          const { status, code } = failureOf(error);
          return `${status === undefined ? '' : `HTTP ${status} `}${code}`;
        }
      };
      const [header, trailer] = [await put(content), await put(Readable.from([content]))];
      const takes = trailer === undefined ? 'trailer' : header === undefined ? 'header' : 'none';
      const say = (refusal: string | undefined): string => (refusal === undefined ? 'taken' : `refused (${refusal})`);
      const evidence = `CRC32 as a header ${say(header)}, behind a stream ${say(trailer)}`;
      answers.keep('s3Checksums', takes, evidence);
      return known(evidence);
    }),
  );
}

function askForRegion(answers: Answers, access: S3Access, volume: Volume, signal: AbortSignal): Promise<void> {
  return answers.ask('s3-region', 'Does S3 take the region in lower case too?', signal, () =>
    withClient({ ...access, region: access.region.toLowerCase() }, {}, async (client, sdk) => {
      try {
        await client.send(new sdk.HeadObjectCommand({ Bucket: volume.id, Key: key }), { abortSignal: signal });
        return known('yes');
      } catch (error) {
        const { status, code } = failureOf(error);
        if (status === undefined) {
          throw error;
        }
        return known(`no (HTTP ${status} ${code})`);
      }
    }),
  );
}

/** A client as other programs have it: what ours avoids is what is asked about. */
async function withClient<T>(
  { endpoint, region, accessKeyId, secretAccessKey }: S3Access,
  more: { requestChecksumCalculation?: 'WHEN_SUPPORTED' },
  work: (client: Library.S3Client, sdk: typeof Library) => Promise<T>,
): Promise<T> {
  const sdk = await import('@aws-sdk/client-s3');
  const client = new sdk.S3Client({
    endpoint,
    region,
    credentials: { accessKeyId, secretAccessKey },
    forcePathStyle: true,
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    maxAttempts: 3,
    // It would otherwise write to the terminal; its errors are thrown as well.
    logger: { debug: ignore, info: ignore, warn: ignore, error: ignore },
    ...more,
  });
  try {
    return await work(client, sdk);
  } finally {
    client.destroy();
  }
}

function ignore(): void {
  // Nothing is written.
}

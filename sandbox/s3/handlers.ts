import { emptyAnswer, quoted, xmlAnswer, type Answer } from './answers.ts';
import type { Body } from './body.ts';
import type { Context } from './context.ts';
import { parseKey, splitUrl } from './keys.ts';
import { listMultipartUploads, listObjects, listObjectsV2, listParts } from './list-handlers.ts';
import type { Operation } from './operations.ts';
import { badArgument, notImplemented, Refusal, tooLarge } from './refusal.ts';
import { textOf } from './xml.ts';

export type Handler = (context: Context) => Promise<Answer>;

/** Longest list of parts, in bytes. */
const longestList = 4 << 20;

export const handlers: Record<Exclude<Operation, 'ListBuckets'>, Handler> = {
  HeadBucket: () => Promise.resolve(emptyAnswer(200)),
  ListObjects: listObjects,
  ListObjectsV2: listObjectsV2,
  ListMultipartUploads: listMultipartUploads,
  ListParts: listParts,

  GetObject: async ({ bucket, key, headers }) => {
    const found = await bucket.files.find(parseKey(key));
    try {
      const range = rangeOf(headers.range, found.size);
      const { start, end } = range ?? { start: 0, end: found.size };
      return {
        status: range === undefined ? 200 : 206,
        headers: {
          ...describe(found),
          'Content-Length': String(end - start),
          ...(range && { 'Content-Range': `bytes ${String(start)}-${String(end - 1)}/${String(found.size)}` }),
        },
        content: { file: found.file, start, end },
      };
    } catch (error) {
      await found.file?.close();
      throw error;
    }
  },

  HeadObject: async ({ bucket, key }) => {
    const found = await bucket.files.describe(parseKey(key));
    return emptyAnswer(200, { ...describe(found), 'Content-Length': String(found.size) });
  },

  PutObject: async ({ bucket, key, body, faults, weather }) => {
    const length = announced(body);
    if (length >= faults.limits.put) throw tooLarge(faults.limits.put);
    const parsed = parseKey(key);
    // Unlike parts and copies, a single body is compared with the free space before it is taken.
    await bucket.files.usage.check(length);
    await weather.held();
    const etag = await bucket.files.put(parsed, body.bytes());
    if (weather.lost) await bucket.files.remove(parsed);
    return emptyAnswer(200, { ETag: quoted(etag) });
  },

  CopyObject: async ({ bucket, key, headers, weather, findBucket }) => {
    const target = parseKey(key);
    const source = String(headers['x-amz-copy-source'] ?? '');
    if (source.includes('?')) throw notImplemented('A version of a key');
    const from = splitUrl(source.startsWith('/') ? source : `/${source}`);
    if (from.key === '') throw badArgument('x-amz-copy-source must be a bucket and a key.');
    const found = await findBucket(from.bucket).files.find(parseKey(from.key));
    await weather.held();
    const { file } = found;
    const content = file === undefined ? noBytes() : file.createReadStream({ start: 0, highWaterMark: 1 << 18 });
    const etag = await bucket.files.put(target, content).finally(() => file?.close());
    if (weather.lost) await bucket.files.remove(target);
    const result = { LastModified: new Date().toISOString(), ETag: quoted(etag) };
    return xmlAnswer('CopyObjectResult', result);
  },

  DeleteObject: async ({ bucket, key }) => {
    await bucket.files.remove(parseKey(key));
    return emptyAnswer(204);
  },

  CreateMultipartUpload: async ({ bucket, key }) => {
    const parsed = parseKey(key);
    if (parsed.folder) throw badArgument('A key that ends with a slash is a folder and has no content.');
    const UploadId = await bucket.uploads.create(parsed);
    return xmlAnswer('InitiateMultipartUploadResult', { Bucket: bucket.id, Key: key, UploadId });
  },

  UploadPart: async ({ bucket, key, query, body, faults, weather }) => {
    const number = Number(query.get('partNumber'));
    if (!Number.isInteger(number) || number < 1 || number > 10_000) {
      throw badArgument('Part number must be an integer between 1 and 10000, inclusive');
    }
    if (announced(body) > faults.limits.part) throw tooLarge(faults.limits.part);
    await weather.held();
    const id = query.get('uploadId') ?? '';
    const etag = await bucket.uploads.putPart(id, parseKey(key), number, body.bytes());
    return emptyAnswer(200, { ETag: quoted(etag) });
  },

  CompleteMultipartUpload: async ({ bucket, key, query, body, weather }) => {
    const parsed = parseKey(key);
    const wanted = partsOf(await body.text(longestList));
    const etag = await bucket.uploads.complete(query.get('uploadId') ?? '', parsed, wanted, weather.held);
    if (weather.lost) await bucket.files.remove(parsed);
    return xmlAnswer('CompleteMultipartUploadResult', { Bucket: bucket.id, Key: key, ETag: quoted(etag) });
  },

  AbortMultipartUpload: async ({ bucket, key, query }) => {
    await bucket.uploads.abort(query.get('uploadId') ?? '', parseKey(key));
    return emptyAnswer(204);
  },
};

function describe(found: { modified: Date; etag: string }): Record<string, string> {
  return {
    'Last-Modified': found.modified.toUTCString(),
    ETag: quoted(found.etag),
    'Accept-Ranges': 'bytes',
    'Content-Type': 'application/octet-stream',
  };
}

function announced(body: Body): number {
  if (body.length === undefined || !Number.isSafeInteger(body.length)) {
    throw new Refusal(411, 'MissingContentLength', 'You must provide the Content-Length HTTP header.');
  }
  return body.length;
}

/** The one range of a Range header, `end` excluded; undefined for none and for what is not understood. */
function rangeOf(header: unknown, size: number): { start: number; end: number } | undefined {
  const [, first = '', last = ''] = /^bytes=(\d*)-(\d*)$/.exec(typeof header === 'string' ? header : '') ?? [];
  if (first === '' && last === '') return undefined;
  const start = first === '' ? Math.max(0, size - Number(last)) : Number(first);
  const end = first === '' || last === '' ? size : Math.min(size, Number(last) + 1);
  if (first !== '' && last !== '' && Number(last) < Number(first)) return undefined;
  if (start >= size || (first === '' && Number(last) === 0)) {
    throw new Refusal(416, 'InvalidRange', 'The requested range is not satisfiable');
  }
  return { start, end };
}

function partsOf(xml: string): { number: number; etag: string }[] {
  const parts = [...xml.matchAll(/<Part>(.*?)<\/Part>/gs)].map(([, part = '']) => ({
    number: Number(textOf(part, 'PartNumber') ?? 'none'),
    etag: (textOf(part, 'ETag') ?? '').replaceAll('"', ''),
  }));
  if (parts.length === 0 || parts.some(({ number }) => !Number.isInteger(number))) {
    throw new Refusal(400, 'MalformedXML', 'The XML you provided was not well-formed.');
  }
  return parts;
}

async function* noBytes(): AsyncGenerator<Buffer> {}

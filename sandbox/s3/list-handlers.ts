import { quoted, xmlAnswer, type Answer } from './answers.ts';
import type { Context } from './context.ts';
import { compareKeys, parseKey } from './keys.ts';
import { folderSize, keysUpTo, listPage, type Listed, type ListQuery, type Page } from './listing.ts';
import { badArgument } from './refusal.ts';
import type { Xml } from './xml.ts';

const largestPage = 1000;

/** GET of a bucket, the old way: pages begin after a marker, which is a key. */
export async function listObjects(context: Context): Promise<Answer> {
  const { bucket, query } = context;
  const marker = query.get('marker') ?? '';
  const asked = askedOf(query, marker);
  const page = await pageOf(context, asked);
  return xmlAnswer('ListBucketResult', {
    Name: bucket.id,
    ...shared(query, asked, page),
    Marker: encoded(query, marker),
    IsTruncated: page.next !== undefined,
    NextMarker: asked.delimiter === '' || page.next === undefined ? undefined : encoded(query, page.next),
  });
}

/** GET of a bucket with `list-type=2`: pages begin after a token, the key in base64. */
export async function listObjectsV2(context: Context): Promise<Answer> {
  const { bucket, query, faults } = context;
  const token = query.get('continuation-token');
  const asked = askedOf(query, token === undefined ? (query.get('start-after') ?? '') : keyOf(token));
  const page = await pageOf(context, asked);
  let next = page.next === undefined ? undefined : Buffer.from(page.next).toString('base64');
  if (faults.repeatedTokens && token !== undefined && asked.delimiter === '') {
    const before = await keysUpTo(bucket.files.root, asked.prefix, asked.after, largestPage);
    if (before >= largestPage) next = token;
  }
  return xmlAnswer('ListBucketResult', {
    Name: bucket.id,
    ...shared(query, asked, page),
    KeyCount: page.contents.length + page.prefixes.length,
    IsTruncated: next !== undefined,
    StartAfter: query.get('start-after'),
    ContinuationToken: token,
    NextContinuationToken: next,
  });
}

async function pageOf({ bucket, faults }: Context, asked: ListQuery): Promise<Page> {
  await faults.listing(() => folderSize(bucket.files.root, asked.prefix));
  return listPage(bucket.files, asked);
}

function askedOf(query: Context['query'], after: string): ListQuery {
  return {
    prefix: query.get('prefix') ?? '',
    delimiter: query.get('delimiter') ?? '',
    after,
    maxKeys: countOf(query, 'max-keys'),
  };
}

function shared(query: Context['query'], asked: ListQuery, page: Page): Record<string, Xml> {
  return {
    Prefix: encoded(query, asked.prefix),
    Delimiter: asked.delimiter === '' ? undefined : encoded(query, asked.delimiter),
    MaxKeys: asked.maxKeys,
    EncodingType: query.get('encoding-type'),
    Contents: page.contents.map((one) => contentOf(query, one)),
    CommonPrefixes: page.prefixes.map((one) => ({ Prefix: encoded(query, one) })),
  };
}

function contentOf(query: Context['query'], one: Listed): Xml {
  return {
    Key: encoded(query, one.key),
    LastModified: one.modified.toISOString(),
    ETag: quoted(one.etag),
    Size: one.size,
    StorageClass: 'STANDARD',
  };
}

function encoded(query: Context['query'], text: string): string {
  return query.get('encoding-type') === 'url' ? encodeURIComponent(text).replaceAll('%2F', '/') : text;
}

function keyOf(token: string): string {
  const key = Buffer.from(token, 'base64');
  if (key.length === 0 || key.toString('base64') !== token) {
    throw badArgument('The continuation token provided is incorrect');
  }
  return key.toString('utf8');
}

function countOf(query: Context['query'], name: string): number {
  const text = query.get(name) ?? String(largestPage);
  if (!/^\d{1,9}$/.test(text)) throw badArgument(`${name} must be a number of 0 or more`);
  return Math.min(Number(text), largestPage);
}

/** GET of a bucket with `uploads`. */
export async function listMultipartUploads({ bucket, query }: Context): Promise<Answer> {
  const prefix = query.get('prefix') ?? '';
  const marker = query.get('key-marker') ?? '';
  const idMarker = query.get('upload-id-marker');
  const largest = countOf(query, 'max-uploads');
  const found = (await bucket.uploads.list()).filter((one) => one.key.startsWith(prefix));
  const marked = idMarker === undefined ? -1 : found.findIndex((one) => one.id === idMarker);
  const rest = marked >= 0 ? found.slice(marked + 1) : found.filter((one) => compareKeys(one.key, marker) > 0);
  const page = rest.slice(0, largest);
  const truncated = rest.length > page.length;
  const last = page.at(-1);
  return xmlAnswer('ListMultipartUploadsResult', {
    Bucket: bucket.id,
    KeyMarker: marker,
    UploadIdMarker: idMarker ?? '',
    Prefix: encoded(query, prefix),
    MaxUploads: largest,
    IsTruncated: truncated,
    NextKeyMarker: truncated ? last?.key : undefined,
    NextUploadIdMarker: truncated ? last?.id : undefined,
    Upload: page.map((one) => ({ Key: encoded(query, one.key), UploadId: one.id, Initiated: one.initiated })),
  });
}

/** GET of a key with `uploadId`. */
export async function listParts({ bucket, key, query }: Context): Promise<Answer> {
  const id = query.get('uploadId') ?? '';
  const marker = Number(query.get('part-number-marker') ?? 0);
  const largest = countOf(query, 'max-parts');
  const rest = (await bucket.uploads.parts(id, parseKey(key))).filter((one) => one.number > marker);
  const page = rest.slice(0, largest);
  const truncated = rest.length > page.length;
  return xmlAnswer('ListPartsResult', {
    Bucket: bucket.id,
    Key: key,
    UploadId: id,
    PartNumberMarker: marker,
    NextPartNumberMarker: truncated ? page.at(-1)?.number : undefined,
    MaxParts: largest,
    IsTruncated: truncated,
    Part: page.map((one) => ({
      PartNumber: one.number,
      LastModified: one.modified.toISOString(),
      ETag: quoted(one.etag),
      Size: one.size,
    })),
  });
}

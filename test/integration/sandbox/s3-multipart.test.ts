import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  ListMultipartUploadsCommand,
  ListObjectsV2Command,
  ListPartsCommand,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import { md5, pattern, refused, S3Bench } from './s3-harness.ts';

describe('sandbox S3, multipart uploads (R9.7)', () => {
  let s3: S3Bench;
  let Bucket: string;

  before(async () => {
    s3 = await S3Bench.start();
    Bucket = s3.volume;
  });
  after(() => s3.close());
  afterEach(() => assert.ok(s3.clean, 'unfinished uploads were left'));

  const create = async (Key: string): Promise<{ Bucket: string; Key: string; UploadId: string }> => {
    const { UploadId } = await s3.client.send(new CreateMultipartUploadCommand({ Bucket, Key }));
    return { Bucket, Key, UploadId: UploadId! };
  };
  type Target = Awaited<ReturnType<typeof create>>;
  const part = async (target: Target, PartNumber: number, Body: Buffer) => {
    const { ETag } = await s3.client.send(new UploadPartCommand({ ...target, PartNumber, Body }));
    return { PartNumber, ETag };
  };
  const complete = (target: Target, Parts: { PartNumber: number; ETag: string | undefined }[]) =>
    s3.client.send(new CompleteMultipartUploadCommand({ ...target, MultipartUpload: { Parts } }));
  const abort = (target: Target) => s3.client.send(new AbortMultipartUploadCommand(target));

  it('take parts in any order and of any size; nothing is under the key before the end', async () => {
    const target = await create('multi/file');
    const data = [pattern(700_000, 1), pattern(10, 2), pattern(300_000, 3)];
    const third = await part(target, 3, data[2]!);
    await part(target, 1, pattern(5, 9));
    const [first, second] = await Promise.all([part(target, 1, data[0]!), part(target, 2, data[1]!)]);
    const { Parts } = await s3.client.send(new ListPartsCommand(target));
    assert.deepEqual(
      Parts?.map((one) => [one.PartNumber, one.Size, one.ETag]),
      [first, second, third].map((one, at) => [one.PartNumber, data[at]!.length, one.ETag]),
    );
    assert.deepEqual(await refused(s3.head('multi/file')), [404, 'NotFound']);
    const keys = (await s3.client.send(new ListObjectsV2Command({ Bucket }))).Contents ?? [];
    assert.ok(keys.every((one) => !one.Key?.startsWith('.s3compat_uploads')));
    assert.ok(readdirSync(s3.at('.s3compat_uploads')).includes(target.UploadId));
    const made = await complete(target, [first, second, third]);
    const digests = Buffer.concat(data.map((one) => Buffer.from(md5(one), 'hex')));
    assert.equal(made.ETag, `"${md5(digests)}-3"`);
    assert.ok((await s3.get('multi/file')).equals(Buffer.concat(data)));
    assert.equal((await s3.head('multi/file')).ETag, made.ETag);
    assert.deepEqual(await refused(complete(target, [first, second, third])), [404, 'NoSuchUpload']);
  });

  it('are refused with a missing part, a wrong ETag, a wrong order or none, and can go on', async () => {
    const target = await create('multi/refused');
    const first = await part(target, 1, pattern(10));
    const second = await part(target, 2, pattern(20));
    assert.deepEqual(await refused(complete(target, [first, { ...second, PartNumber: 3 }])), [400, 'InvalidPart']);
    assert.deepEqual(await refused(complete(target, [{ ...first, ETag: second.ETag }])), [400, 'InvalidPart']);
    assert.deepEqual(await refused(complete(target, [second, first])), [400, 'InvalidPartOrder']);
    assert.deepEqual(await refused(complete(target, [])), [400, 'MalformedXML']);
    assert.deepEqual(await refused(part(target, 10_001, pattern(1))), [400, 'InvalidArgument']);
    await complete(target, [second]);
    assert.equal((await s3.head('multi/refused')).ContentLength, 20);
  });

  it('are listed until they are aborted, and their parts go with them', async () => {
    const [one, two] = [await create('multi/list/1'), await create('multi/list/2')];
    await part(one, 1, pattern(10));
    const list = (more: Record<string, unknown> = {}) =>
      s3.client.send(new ListMultipartUploadsCommand({ Bucket, Prefix: 'multi/list/', ...more }));
    const { Uploads } = await list();
    assert.deepEqual(
      Uploads?.map((upload) => [upload.Key, upload.UploadId]),
      [one, two].map((upload) => [upload.Key, upload.UploadId]),
    );
    const page = await list({ MaxUploads: 1 });
    assert.deepEqual([page.IsTruncated, page.NextUploadIdMarker], [true, one.UploadId]);
    const rest = await list({ KeyMarker: page.NextKeyMarker, UploadIdMarker: page.NextUploadIdMarker });
    assert.deepEqual(
      rest.Uploads?.map((upload) => upload.Key),
      ['multi/list/2'],
    );
    assert.deepEqual(await refused(abort({ ...one, Key: 'other' })), [404, 'NoSuchUpload']);
    await abort(one);
    assert.deepEqual(await refused(part(one, 2, pattern(1))), [404, 'NoSuchUpload']);
    assert.deepEqual(await refused(abort(one)), [404, 'NoSuchUpload']);
    await abort(two);
    assert.equal((await list()).Uploads, undefined);
  });
});

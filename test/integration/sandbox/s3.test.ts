import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { Readable } from 'node:stream';
import {
  CompleteMultipartUploadCommand,
  CopyObjectCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  DeleteObjectsCommand,
  GetBucketLocationCommand,
  GetObjectAclCommand,
  GetObjectCommand,
  HeadBucketCommand,
  HeadObjectCommand,
  ListBucketsCommand,
  ListObjectsCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  PutObjectTaggingCommand,
  UploadPartCommand,
  UploadPartCopyCommand,
  CreateBucketCommand,
  DeleteBucketCommand,
} from '@aws-sdk/client-s3';
import { assertNothingLeft, call, direct, getPod, podBody, run, until } from './harness.ts';
import { makeVolume, md5, pattern, raw, refused, region, S3Bench } from './s3-harness.ts';

describe('sandbox S3 (R9.7)', () => {
  let s3: S3Bench;
  let Bucket: string;

  before(async () => {
    s3 = await S3Bench.start();
    Bucket = s3.volume;
  });
  after(async () => {
    const { root } = s3.sandbox;
    await s3.close();
    await assertNothingLeft(root, []);
  });
  afterEach(() => assert.ok(s3.clean, 'unfinished uploads were left'));

  describe('objects', () => {
    it('are the files of the volume: put, get, head, delete', async () => {
      const data = pattern(3_000_000);
      const made = await s3.put('a/b c/ä#+!(1).bin', data);
      assert.equal(made.ETag, `"${md5(data)}"`);
      assert.ok(readFileSync(s3.at('a/b c/ä#+!(1).bin')).equals(data));
      assert.ok((await s3.get('a/b c/ä#+!(1).bin')).equals(data));
      const told = await s3.head('a/b c/ä#+!(1).bin');
      assert.deepEqual([told.ContentLength, told.ETag], [3_000_000, made.ETag]);
      assert.ok(Math.abs(told.LastModified!.getTime() - Date.now()) < 60_000);
      await s3.client.send(new DeleteObjectCommand({ Bucket, Key: 'a/b c/ä#+!(1).bin' }));
      assert.ok(!existsSync(s3.at('a/b c/ä#+!(1).bin')));
      assert.deepEqual(await refused(s3.get('a/b c/ä#+!(1).bin')), [404, 'NoSuchKey']);
      assert.deepEqual(await refused(s3.head('a/b c/ä#+!(1).bin')), [404, 'NotFound']);
      await s3.client.send(new DeleteObjectCommand({ Bucket, Key: 'never/was' }));
    });

    it('may be empty, replaced, and sent as a stream of known length', async () => {
      await s3.put('empty', '');
      assert.equal((await s3.get('empty')).length, 0);
      const data = pattern(1_500_000, 2);
      const Body = Readable.from([data.subarray(0, 700_000), data.subarray(700_000)]);
      await s3.client.send(new PutObjectCommand({ Bucket, Key: 'empty', Body, ContentLength: data.length }));
      assert.ok((await s3.get('empty')).equals(data));
    });

    it('are read in ranges', async () => {
      const data = pattern(100_000, 3);
      s3.write('ranges', data);
      const ask = (Range: string) => s3.client.send(new GetObjectCommand({ Bucket, Key: 'ranges', Range }));
      const part = await ask('bytes=10-19');
      assert.deepEqual([part.$metadata.httpStatusCode, part.ContentRange], [206, 'bytes 10-19/100000']);
      assert.ok(Buffer.from(await part.Body!.transformToByteArray()).equals(data.subarray(10, 20)));
      assert.ok((await s3.get('ranges', 'bytes=99990-')).equals(data.subarray(99_990)));
      assert.ok((await s3.get('ranges', 'bytes=-5')).equals(data.subarray(-5)));
      assert.ok((await s3.get('ranges', 'bytes=99999-200000')).equals(data.subarray(99_999)));
      assert.deepEqual(await refused(ask('bytes=100000-')), [416, 'InvalidRange']);
      assert.equal((await s3.get('ranges', 'bytes=9-1')).length, 100_000);
    });

    it('are copied between volumes of a data center', async () => {
      await s3.put('copy/source ä', 'content');
      const other = await makeVolume(s3.sandbox, region);
      const CopySource = `/${Bucket}/${encodeURIComponent('copy/source ä')}`;
      const made = await s3.client.send(new CopyObjectCommand({ Bucket: other, Key: 'x/y', CopySource }));
      assert.equal(made.CopyObjectResult?.ETag, `"${md5('content')}"`);
      const { Body } = await s3.client.send(new GetObjectCommand({ Bucket: other, Key: 'x/y' }));
      assert.equal(await Body!.transformToString(), 'content');
      const missing = new CopyObjectCommand({ Bucket, Key: 'z', CopySource: `${Bucket}/none` });
      assert.deepEqual(await refused(s3.client.send(missing)), [404, 'NoSuchKey']);
    });

    it('cannot be a file and a folder at once', async () => {
      await s3.put('both/file', 'x');
      assert.deepEqual(await refused(s3.put('both', 'x')), [400, 'InvalidArgument']);
      assert.deepEqual(await refused(s3.put('both/file/below', 'x')), [400, 'InvalidArgument']);
      assert.deepEqual(await refused(s3.get('both')), [404, 'NoSuchKey']);
      assert.deepEqual(await refused(s3.put('both/folder/', 'content')), [400, 'InvalidArgument']);
    });

    it('appear whole, or not at all', async () => {
      await s3.put('whole', 'old');
      let finish = (): void => undefined;
      const gate = new Promise<void>((resolve) => (finish = resolve));
      const Body = Readable.from(
        (async function* () {
          yield pattern(600_000);
          await gate;
          yield pattern(400_000);
        })(),
      );
      const sent = s3.client.send(new PutObjectCommand({ Bucket, Key: 'whole', Body, ContentLength: 1_000_000 }));
      await until('bytes on the way', () => stagedBytes() > 0);
      assert.equal((await s3.get('whole')).toString(), 'old');
      finish();
      await sent;
      assert.equal(statSync(s3.at('whole')).size, 1_000_000);
    });

    const stagedBytes = (): number =>
      s3.clean
        ? 0
        : readdirSync(s3.at('.s3compat_uploads')).reduce(
            (sum, name) => sum + statSync(s3.at(`.s3compat_uploads/${name}`)).size,
            0,
          );

    it('leave nothing when the client goes away in the middle', async () => {
      const abort = new AbortController();
      const Body = Readable.from(
        (async function* () {
          yield pattern(600_000);
          await until('bytes on the way', () => stagedBytes() > 0);
          abort.abort();
          await new Promise(() => undefined);
        })(),
      );
      const command = new PutObjectCommand({ Bucket, Key: 'half', Body, ContentLength: 1_000_000 });
      await assert.rejects(s3.client.send(command, { abortSignal: abort.signal }));
      await until('the rest to go', () => s3.clean);
      assert.ok(!existsSync(s3.at('half')));
    });
  });

  describe('buckets and listings', () => {
    const list = (more: Record<string, unknown>) => s3.client.send(new ListObjectsV2Command({ Bucket, ...more }));
    const keys = (page: { Contents?: { Key?: string }[] }) => (page.Contents ?? []).map((one) => one.Key);
    const prefixes = (page: { CommonPrefixes?: { Prefix?: string }[] }) =>
      (page.CommonPrefixes ?? []).map((one) => one.Prefix);

    it('are the volumes of the data center that the signature names', async () => {
      const elsewhere = await makeVolume(s3.sandbox, 'EU-RO-1');
      const { Buckets = [] } = await s3.client.send(new ListBucketsCommand({}));
      const names = Buckets.map((one) => one.Name);
      assert.ok(names.includes(Bucket) && !names.includes(elsewhere));
      await s3.client.send(new HeadBucketCommand({ Bucket }));
      assert.deepEqual(await refused(s3.client.send(new HeadBucketCommand({ Bucket: 'none' }))), [404, 'NotFound']);
    });

    it('list one level or all, in the order of bytes, with sizes and ETags', async () => {
      for (const name of ['l/b/1', 'l/b/2', 'l/a', 'l/b!', 'l/c/d/e', 'l/é', 'l/z']) s3.write(name, name);
      const all = await list({ Prefix: 'l/' });
      assert.deepEqual(keys(all), ['l/a', 'l/b!', 'l/b/1', 'l/b/2', 'l/c/d/e', 'l/z', 'l/é']);
      assert.equal(all.IsTruncated, false);
      assert.deepEqual([all.Contents?.[0]?.Size, all.Contents?.[0]?.ETag], [3, `"${md5('l/a')}"`]);
      const level = await list({ Prefix: 'l/', Delimiter: '/' });
      assert.deepEqual(keys(level), ['l/a', 'l/b!', 'l/z', 'l/é']);
      assert.deepEqual(prefixes(level), ['l/b/', 'l/c/']);
      assert.deepEqual(prefixes(await list({ Prefix: 'l', Delimiter: '/' })), ['l/']);
      assert.deepEqual(prefixes(await list({ Prefix: 'l/', Delimiter: 'b' })), ['l/b']);
      assert.deepEqual(keys(await list({ Prefix: 'l/b' })), ['l/b!', 'l/b/1', 'l/b/2']);
      assert.deepEqual(keys(await list({ Prefix: 'l/b/1/' })), []);
      assert.deepEqual(keys(await list({ Prefix: 'l/', StartAfter: 'l/b/1' })), ['l/b/2', 'l/c/d/e', 'l/z', 'l/é']);
      assert.deepEqual(keys(await list({ Prefix: 'l/é', EncodingType: 'url' })), ['l/%C3%A9']);
    });

    it('come in pages that join without gap or repetition', async () => {
      for (const name of ['p/a/1', 'p/a/2', 'p/b', 'p/c/1', 'p/c/x/2', 'p/d']) s3.write(name, '');
      for (const Delimiter of ['', '/']) {
        const found: (string | undefined)[] = [];
        let ContinuationToken: string | undefined;
        do {
          const page = await list({ Prefix: 'p/', MaxKeys: 1, Delimiter, ContinuationToken });
          assert.equal(page.KeyCount, 1);
          found.push(...keys(page), ...prefixes(page));
          ContinuationToken = page.NextContinuationToken;
        } while (ContinuationToken !== undefined);
        const wanted =
          Delimiter === '' ? ['p/a/1', 'p/a/2', 'p/b', 'p/c/1', 'p/c/x/2', 'p/d'] : ['p/a/', 'p/b', 'p/c/', 'p/d'];
        assert.deepEqual(found, wanted);
      }
      assert.deepEqual(keys(await list({ Prefix: 'p/', MaxKeys: 0 })), []);
      const wrong = refused(list({ ContinuationToken: 'no base64!' }));
      assert.deepEqual(await wrong, [400, 'InvalidArgument']);
    });

    it('have the old form with markers, too', async () => {
      for (const name of ['o/a/1', 'o/b', 'o/c']) s3.write(name, '');
      const first = await s3.client.send(new ListObjectsCommand({ Bucket, Prefix: 'o/', Delimiter: '/', MaxKeys: 2 }));
      assert.deepEqual([prefixes(first), keys(first), first.NextMarker], [['o/a/'], ['o/b'], 'o/b']);
      const second = await s3.client.send(new ListObjectsCommand({ Bucket, Prefix: 'o/', Marker: 'o/b' }));
      assert.deepEqual([keys(second), second.IsTruncated], [['o/c'], false]);
    });

    it('name empty folders with a slash, until they are deleted', async () => {
      mkdirSync(s3.at('e/empty/inner'), { recursive: true });
      await s3.client.send(new PutObjectCommand({ Bucket, Key: 'e/made/' }));
      assert.ok(statSync(s3.at('e/made')).isDirectory());
      assert.deepEqual(keys(await list({ Prefix: 'e/' })), ['e/empty/inner/', 'e/made/']);
      assert.equal((await s3.head('e/made/')).ContentLength, 0);
      await s3.put('e/made/file', 'x');
      assert.deepEqual(keys(await list({ Prefix: 'e/made/' })), ['e/made/file']);
      await s3.client.send(new DeleteObjectCommand({ Bucket, Key: 'e/made/' }));
      assert.ok(existsSync(s3.at('e/made/file')), 'a folder that is not empty stays');
      await s3.client.send(new DeleteObjectCommand({ Bucket, Key: 'e/made/file' }));
      assert.deepEqual(keys(await list({ Prefix: 'e/made/' })), ['e/made/']);
      await s3.client.send(new DeleteObjectCommand({ Bucket, Key: 'e/made/' }));
      assert.deepEqual(keys(await list({ Prefix: 'e/' })), ['e/empty/inner/']);
    });
  });

  it('has no other operation: all of them are 501 (batch delete among them)', async () => {
    await s3.put('kept', 'x');
    const Key = 'kept';
    const { client } = s3;
    for (const attempt of [
      () => client.send(new DeleteObjectsCommand({ Bucket, Delete: { Objects: [{ Key }] } })),
      () => client.send(new CreateBucketCommand({ Bucket: 'new' })),
      () => client.send(new DeleteBucketCommand({ Bucket })),
      () => client.send(new GetBucketLocationCommand({ Bucket })),
      () => client.send(new GetObjectAclCommand({ Bucket, Key })),
      () => client.send(new PutObjectTaggingCommand({ Bucket, Key, Tagging: { TagSet: [] } })),
      () => client.send(new GetObjectCommand({ Bucket, Key, VersionId: '1' })),
      () => client.send(new PutObjectCommand({ Bucket, Key, Body: 'y', ACL: 'private' })),
      () => client.send(new PutObjectCommand({ Bucket, Key, Body: 'y', ServerSideEncryption: 'AES256' })),
      () =>
        client.send(
          new UploadPartCopyCommand({ Bucket, Key, UploadId: '1', PartNumber: 1, CopySource: `${Bucket}/${Key}` }),
        ),
    ]) {
      assert.deepEqual(await refused(attempt()), [501, 'NotImplemented'], String(attempt));
    }
    assert.equal(readFileSync(s3.at('kept'), 'utf8'), 'x');
  });

  it('shares its files with pods, in both directions', async () => {
    await s3.put('projects/p/from s3', 'by S3');
    const mounts = { network: [{ volumeId: Bucket, path: '/workspace' }] };
    const { body } = await call(s3.sandbox, 'POST', '/pods', podBody(s3.bench, { mounts, dataCenterIds: [region] }));
    const login = await direct(s3.sandbox, body.id);
    const mount = (await getPod(s3.sandbox, body.id)).mounts.network[0]?.path ?? '';
    const folder = `${mount}/projects/p`;
    const seen = await run(s3.bench, login, `cat "${folder}/from s3"; printf 'by the pod' > "${folder}/from pod"`);
    assert.equal(seen.out, 'by S3');
    assert.equal((await s3.get('projects/p/from pod')).toString(), 'by the pod');
    assert.equal((await s3.head('projects/p/from pod')).ETag, `"${md5('by the pod')}"`);
    await call(s3.sandbox, 'DELETE', `/pods/${body.id}`);
  });

  it('keeps its files and unfinished uploads over a restart, with new keys', async () => {
    const first = await S3Bench.start();
    const target = { Bucket: first.volume, Key: 'resumed' };
    const { UploadId } = await first.client.send(new CreateMultipartUploadCommand(target));
    const { ETag } = await first.client.send(
      new UploadPartCommand({ ...target, UploadId, PartNumber: 1, Body: pattern(10) }),
    );
    first.write('.s3compat_uploads/put-left by a kill', 'x');
    const old = first.sandbox.s3Keys;
    await first.stop();
    const second = await S3Bench.start({}, first.bench);
    try {
      assert.notDeepEqual(second.sandbox.s3Keys, old);
      assert.ok(!existsSync(second.sandbox.volumeDirectory(target.Bucket) + '/.s3compat_uploads/put-left by a kill'));
      const MultipartUpload = { Parts: [{ PartNumber: 1, ETag }] };
      await second.client.send(new CompleteMultipartUploadCommand({ ...target, UploadId, MultipartUpload }));
      assert.equal((await second.client.send(new HeadObjectCommand(target))).ContentLength, 10);
    } finally {
      await second.close();
    }
    await assert.rejects(raw(second.sandbox.s3Url, 'GET', '/'), /ECONNREFUSED/);
  });
});

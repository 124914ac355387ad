import assert from 'node:assert/strict';
import { existsSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import {
  AbortMultipartUploadCommand,
  CopyObjectCommand,
  DeleteObjectCommand,
  ListMultipartUploadsCommand,
  PutObjectCommand,
  type S3Client,
} from '@aws-sdk/client-s3';
import type { S3Faults } from '../../../sandbox/index.ts';
import { isRoot } from './harness.ts';
import { change, filesBelow, makeVolume, pattern, refused, region, S3Bench } from './s3-harness.ts';

describe('sandbox S3, what is too much (R9.7)', () => {
  let s3: S3Bench;
  let Bucket: string;
  let faults: S3Faults;

  before(async () => {
    s3 = await S3Bench.start();
    Bucket = s3.volume;
    faults = s3.faults;
  });
  after(() => s3.close());
  afterEach(() => s3.settle());

  /** Aborts what a refused part left open. */
  async function abandon(Key: string): Promise<void> {
    const { Uploads = [] } = await s3.client.send(new ListMultipartUploadsCommand({ Bucket, Prefix: Key }));
    for (const { UploadId } of Uploads) {
      await s3.client.send(new AbortMultipartUploadCommand({ Bucket, Key, UploadId }));
    }
  }

  describe('a full volume', () => {
    it('is 507 for bodies, parts and copies; parts count, and what is freed can be used', async () => {
      writeFileSync(s3.at('from a pod'), pattern(100_000));
      const used = filesBelow(s3.folder).reduce((sum, file) => sum + statSync(file).size, 0);
      faults.limit(Bucket, used + 300_000);
      assert.deepEqual(await refused(s3.put('too big', pattern(400_000))), [507, 'InsufficientStorage']);
      const { complete, abort } = await s3.upload('parts', pattern(250_000));
      const second = s3.upload('more parts', pattern(100_000));
      assert.deepEqual(await refused(second), [507, 'InsufficientStorage']);
      assert.deepEqual(await refused(s3.put('a bit', pattern(100_000))), [507, 'InsufficientStorage']);
      const CopySource = `${Bucket}/from a pod`;
      const copy = new CopyObjectCommand({ Bucket, Key: 'copy', CopySource });
      assert.deepEqual(await refused(s3.client.send(copy)), [507, 'InsufficientStorage']);
      await abort();
      assert.deepEqual(await refused(complete()), [404, 'NoSuchUpload']);
      await s3.put('a bit', pattern(100_000));
      for (const key of ['too big', 'copy', 'parts']) assert.ok(!existsSync(s3.at(key)));
      await abandon('more parts');
    });

    if (isRoot) {
      it('is 507 where the kernel says so', async () => {
        const small = await makeVolume(s3.sandbox, region);
        s3.sandbox.limitVolume(small, 20_000_000);
        const send = (Key: string) =>
          s3.client.send(new PutObjectCommand({ Bucket: small, Key, Body: pattern(15_000_000) }));
        await send('fits');
        assert.deepEqual(await refused(send('no room')), [507, 'InsufficientStorage']);
        assert.deepEqual(
          filesBelow(s3.sandbox.volumeDirectory(small)).map((file) => path.basename(file)),
          ['fits'],
        );
        await s3.client.send(new DeleteObjectCommand({ Bucket: small, Key: 'fits' }));
        await send('no room');
      });
    }

    it('is 507 when asked', async () => {
      faults.fail(507, { operation: 'UploadPart', times: 1 });
      assert.deepEqual(await refused(s3.upload('asked')), [507, 'InsufficientStorage']);
      await abandon('asked');
    });
  });

  it('takes a body below 500 MB and a part up to it, or less when a field report is played', async () => {
    const announce = (client: S3Client, bytes: number): S3Client =>
      change(client, 'build', (request) => (request.headers['content-length'] = String(bytes)));
    const tooBig = announce(s3.connect(), 500_000_000);
    assert.deepEqual(await refused(s3.put('huge', 'x', tooBig)), [413, 'EntityTooLarge']);
    faults.limits = { put: 1000, part: 200 };
    await s3.put('999', pattern(999));
    assert.deepEqual(await refused(s3.put('1000', pattern(1000))), [413, 'EntityTooLarge']);
    assert.deepEqual(await refused(s3.upload('part', pattern(201))), [413, 'EntityTooLarge']);
    const { complete } = await s3.upload('part', pattern(200));
    await complete();
    await abandon('part');
  });
});

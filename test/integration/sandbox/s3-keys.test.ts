import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import {
  CopyObjectCommand,
  DeleteObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  UploadPartCommand,
  type S3Client,
} from '@aws-sdk/client-s3';
import { isRoot } from './harness.ts';
import { change, refused, S3Bench } from './s3-harness.ts';

describe('sandbox S3, keys (R9.7)', () => {
  let s3: S3Bench;
  let Bucket: string;

  before(async () => {
    s3 = await S3Bench.startWithFile();
    Bucket = s3.volume;
  });
  after(() => s3.close());
  afterEach(() => s3.assertUntouched());

  /** Sends the path as it is written, signed. */
  const at = (target: string) => change(s3.connect(), 'build', (request) => (request.path = target));
  const outside = () => path.join(s3.sandbox.root, 'outside');

  it('do not leave the volume: dots, slashes, NUL, encoded or not', async () => {
    writeFileSync(outside(), 'secret');
    const volumes = path.join(s3.sandbox.root, 'volumes');
    writeFileSync(path.join(volumes, 'beside'), 'secret');
    for (const [key, code] of [
      ['..', 'InvalidArgument'],
      ['../beside', 'InvalidArgument'],
      ['../../outside', 'InvalidArgument'],
      ['a/../../beside', 'InvalidArgument'],
      ['%2e%2e/beside', 'InvalidArgument'],
      ['%2e%2e%2fbeside', 'InvalidArgument'],
      ['..%2F..%2Foutside', 'InvalidArgument'],
      ['./file', 'InvalidArgument'],
      ['/file', 'InvalidArgument'],
      ['%2Ffile', 'InvalidArgument'],
      ['a//file', 'InvalidArgument'],
      ['file%00', 'InvalidArgument'],
      ['%ff', 'InvalidURI'],
      ['%', 'InvalidURI'],
      ['a'.repeat(256), 'KeyTooLongError'],
      ['a/'.repeat(600), 'KeyTooLongError'],
      ['.s3compat_uploads/x', 'AccessDenied'],
    ] as const) {
      const target = `/${Bucket}/${key}`;
      for (const send of [
        (client: S3Client) => s3.getAs(client),
        (client: S3Client) => client.send(new PutObjectCommand({ Bucket, Key: 'x', Body: 'x' })),
        (client: S3Client) => client.send(new DeleteObjectCommand({ Bucket, Key: 'x' })),
      ]) {
        assert.equal((await refused(send(at(target))))[1], code, `${key} ${String(send)}`);
      }
      if (key.includes('%') || key.startsWith('/')) continue;
      const copy = new CopyObjectCommand({ Bucket, Key: 'x', CopySource: `${Bucket}/${key}` });
      assert.equal((await refused(s3.client.send(copy)))[1], code, `copy of ${key}`);
    }
    for (const bucket of ['..', '%2e%2e', '.', `${Bucket}%2F..`, '']) {
      const [status] = await refused(s3.getAs(at(`/${bucket}/beside`)));
      assert.ok([400, 404, 501].includes(status ?? 0), bucket);
    }
    const found = await s3.client.send(new ListObjectsV2Command({ Bucket, Prefix: '../' }));
    assert.equal(found.KeyCount, 0);
    const upload = new UploadPartCommand({ Bucket, Key: 'x', UploadId: '../../x', PartNumber: 1, Body: 'x' });
    assert.deepEqual(await refused(s3.client.send(upload)), [404, 'NoSuchUpload']);
    assert.deepEqual([readFileSync(outside(), 'utf8'), existsSync(s3.at('x'))], ['secret', false]);
  });

  it('do not go through links, which are neither read, written, listed nor deleted', async () => {
    const folder = path.join(s3.bench.folder, 'elsewhere');
    mkdirSync(folder);
    writeFileSync(path.join(folder, 'secret'), 'secret');
    symlinkSync(folder, s3.at('out'));
    symlinkSync(path.join(folder, 'secret'), s3.at('out-file'));
    symlinkSync('file', s3.at('inside'));
    for (const Key of ['out/secret', 'out-file', 'inside']) {
      assert.deepEqual(await refused(s3.getAs(s3.client, Key)), [404, 'NoSuchKey'], Key);
    }
    const put = (Key: string) => s3.client.send(new PutObjectCommand({ Bucket, Key, Body: 'changed' }));
    assert.deepEqual(await refused(put('out/new')), [400, 'InvalidArgument']);
    assert.deepEqual(await refused(put('out/secret')), [400, 'InvalidArgument']);
    // A link under the key itself is replaced, not followed.
    await put('out-file');
    for (const Key of ['out/secret', 'out', 'inside']) {
      await s3.client.send(new DeleteObjectCommand({ Bucket, Key }));
    }
    assert.equal(readFileSync(path.join(folder, 'secret'), 'utf8'), 'secret');
    assert.ok(!existsSync(path.join(folder, 'new')) && existsSync(s3.at('inside')));
    const { Contents = [] } = await s3.client.send(new ListObjectsV2Command({ Bucket }));
    const keys = Contents.map((one) => one.Key);
    assert.ok(keys.includes('out-file') && !keys.some((key) => key === 'inside' || key?.startsWith('out/')));

    symlinkSync(folder, s3.at('.s3compat_uploads'));
    const [status] = await refused(put('staged elsewhere'));
    assert.equal(status, 400);
    execFileSync('rm', [s3.at('.s3compat_uploads')]);
    assert.ok(!existsSync(s3.at('staged elsewhere')));
  });

  it('do not wait for what is no file', async () => {
    execFileSync('mkfifo', [s3.at('pipe')]);
    assert.deepEqual(await refused(s3.getAs(s3.client, 'pipe')), [404, 'NoSuchKey']);
    await s3.client.send(new DeleteObjectCommand({ Bucket, Key: 'pipe' }));
    assert.ok(existsSync(s3.at('pipe')));
  });

  if (!isRoot) {
    it('that the user may not read are AccessDenied', async () => {
      s3.write('locked', 'x');
      execFileSync('chmod', ['000', s3.at('locked')]);
      assert.deepEqual(await refused(s3.getAs(s3.client, 'locked')), [403, 'AccessDenied']);
    });
  }
});

import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { crc32 } from 'node:zlib';
import type { S3Client } from '@aws-sdk/client-s3';
import {
  CopyObjectCommand,
  HeadBucketCommand,
  HeadObjectCommand,
  ListBucketsCommand,
  ListObjectsV2Command,
  PutObjectCommand,
} from '@aws-sdk/client-s3';
import { change, makeVolume, pattern, raw, refused, region, S3Bench } from './s3-harness.ts';

describe('sandbox S3, who may do what (R9.7)', () => {
  let s3: S3Bench;
  let Bucket: string;

  before(async () => {
    s3 = await S3Bench.startWithFile();
    Bucket = s3.volume;
  });
  after(() => s3.close());
  afterEach(() => s3.assertUntouched());

  const head = (client: S3Client) => client.send(new HeadObjectCommand({ Bucket, Key: 'file' }));

  describe('signatures', () => {
    it('are made with the keys of this start', async () => {
      const { accessKeyId, secretAccessKey } = s3.sandbox.s3Keys;
      assert.match(accessKeyId, /^user_\w{20,}$/);
      assert.match(secretAccessKey, /^rps_\w{40,}$/);
      const told = JSON.parse(readFileSync(path.join(s3.sandbox.root, 'connection.json'), 'utf8')) as object;
      assert.deepEqual(
        { s3Url: s3.sandbox.s3Url, s3Keys: s3.sandbox.s3Keys },
        Object.fromEntries(Object.entries(told).filter(([name]) => name.startsWith('s3'))),
      );
      const wrongSecret = s3.connect({ credentials: { accessKeyId, secretAccessKey: 'rps_wrong' } });
      assert.deepEqual(await refused(s3.getAs(wrongSecret)), [403, 'SignatureDoesNotMatch']);
      const wrongId = s3.connect({ credentials: { accessKeyId: 'user_wrong', secretAccessKey } });
      assert.deepEqual(await refused(s3.getAs(wrongId)), [403, 'InvalidAccessKeyId']);
      const apiKey = await raw(s3.sandbox.s3Url, 'GET', `/${Bucket}/file`, {
        host: new URL(s3.sandbox.s3Url).host,
        authorization: `Bearer ${s3.sandbox.key}`,
      });
      assert.deepEqual(
        [apiKey.status, /<Code>(.*)<\/Code>/.exec(apiKey.body)?.[1]],
        [400, 'AuthorizationHeaderMalformed'],
      );
    });

    it('name the data center of the volume, in upper or lower case', async () => {
      await head(s3.connect({ region: region.toLowerCase() }));
      const wrong = refused(s3.getAs(s3.connect({ region: 'EU-RO-1' })));
      assert.deepEqual(await wrong, [400, 'AuthorizationHeaderMalformed']);
      const { Buckets } = await s3.connect({ region: 'eu-ro-1' }).send(new ListBucketsCommand({}));
      assert.deepEqual(Buckets, []);
      const other = await makeVolume(s3.sandbox, 'EU-RO-1');
      const copy = new CopyObjectCommand({ Bucket: other, Key: 'x', CopySource: `${Bucket}/file` });
      assert.deepEqual(await refused(s3.connect({ region: 'EU-RO-1' }).send(copy)), [
        400,
        'AuthorizationHeaderMalformed',
      ]);
    });

    it('meet no host for a volume in a data center without S3: the connection is reset', async () => {
      const without = await makeVolume(s3.sandbox, 'US-TX-3');
      const client = s3.connect({ region: 'US-TX-3' });
      const [status, code] = await refused(client.send(new HeadBucketCommand({ Bucket: without })));
      assert.deepEqual([status, code], [undefined, 'ECONNRESET']);
    });

    it('cover path, query, headers and payload', async () => {
      const edits: [string, Parameters<typeof change>[2], (client: S3Client) => Promise<unknown>][] = [
        ['path', (request) => (request.path = `/${Bucket}/other`), (client) => s3.getAs(client)],
        ['query', (request) => (request.query['prefix'] = 'f'), (c) => c.send(new ListObjectsV2Command({ Bucket }))],
        ['header', (request) => (request.headers['x-amz-date'] = laterBy(1000)), (client) => s3.getAs(client)],
        ['hash', (request) => (request.headers['x-amz-content-sha256'] = 'a'.repeat(64)), (client) => s3.getAs(client)],
      ];
      for (const [what, edit, send] of edits) {
        const seen = await refused(send(change(s3.connect(), 'deserialize', edit)));
        assert.deepEqual(seen, [403, 'SignatureDoesNotMatch'], what);
      }
      const unsigned = change(s3.connect(), 'deserialize', (request) => (request.headers['x-amz-meta-new'] = '1'));
      assert.deepEqual(await refused(s3.getAs(unsigned)), [403, 'AccessDenied']);
    });

    const laterBy = (ms: number): string => new Date(Date.now() + ms).toISOString().replace(/[-:]|\.\d+/g, '');

    it('find a payload that was changed, and keep nothing of it', async () => {
      for (const size of [10, 3_000_000]) {
        const data = pattern(size);
        const client = change(s3.connect(), 'deserialize', (request) => {
          const changed = Buffer.from(data);
          changed[size - 1]! ^= 1;
          request.body = changed;
        });
        const sent = client.send(new PutObjectCommand({ Bucket, Key: 'changed', Body: data }));
        assert.deepEqual(await refused(sent), [400, 'XAmzContentSHA256Mismatch']);
        assert.ok(!existsSync(s3.at('changed')));
      }
      const digest = new PutObjectCommand({
        Bucket,
        Key: 'changed',
        Body: 'x',
        ContentMD5: 'AAAAAAAAAAAAAAAAAAAAAA==',
      });
      assert.deepEqual(await refused(s3.client.send(digest)), [400, 'BadDigest']);
    });

    it('may be off by up to an hour', async () => {
      for (const minutes of [-55, 55]) await head(s3.connect({ systemClockOffset: minutes * 60_000 }));
      for (const minutes of [-65, 65]) {
        const client = s3.connect({ systemClockOffset: minutes * 60_000 });
        assert.deepEqual(await refused(s3.getAs(client)), [403, 'RequestTimeTooSkewed']);
      }
    });

    it('are in a header: presigned URLs and anonymous requests are 401', async () => {
      const { host } = new URL(s3.sandbox.s3Url);
      const query =
        'X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=a&X-Amz-Date=20260101T000000Z&X-Amz-Expires=60' +
        '&X-Amz-SignedHeaders=host&X-Amz-Signature=b';
      for (const target of [`/${Bucket}/file?${query}`, `/${Bucket}/file`, '/']) {
        const { status, body } = await raw(s3.sandbox.s3Url, 'GET', target, { host });
        assert.equal(status, 401);
        assert.match(body, /missing Authorization header/);
        assert.doesNotMatch(body, /content/);
      }
    });

    it('may leave the payload out; chunks with a trailing checksum are refused; both can be switched', async () => {
      const data = pattern(200_000);
      const put = (client: S3Client, Key: string) => client.send(new PutObjectCommand({ Bucket, Key, Body: data }));
      const unsigned = () =>
        change(s3.connect(), 'build', (request) => {
          request.headers['x-amz-content-sha256'] = 'UNSIGNED-PAYLOAD';
        });
      await put(unsigned(), 'unsigned');
      s3.faults.unsignedPayloads = false;
      assert.deepEqual(await refused(put(unsigned(), 'unsigned')), [403, 'AccessDenied']);

      const chunked = (body: string) =>
        change(s3.connect(), 'build', (request) => {
          const headers = {
            'x-amz-content-sha256': 'STREAMING-UNSIGNED-PAYLOAD-TRAILER',
            'x-amz-decoded-content-length': '8',
            'x-amz-trailer': 'x-amz-checksum-crc32',
            'content-encoding': 'aws-chunked',
            'content-length': String(body.length),
          };
          Object.assign(request.headers, headers);
          request.body = body;
        });
      const checksum = Buffer.alloc(4);
      checksum.writeUInt32BE(crc32('abcdefgh'));
      const told = checksum.toString('base64');
      const right = `5\r\nabcde\r\n3\r\nfgh\r\n0\r\nx-amz-checksum-crc32:${told}\r\n\r\n`;
      assert.deepEqual(await refused(put(chunked(right), 'chunked')), [501, 'NotImplemented']);
      s3.faults.trailers = true;
      await put(chunked(right), 'chunked');
      assert.equal(readFileSync(s3.at('chunked'), 'utf8'), 'abcdefgh');
      for (const [body, code] of [
        [right.replace(told, 'AAAAAA=='), 'BadDigest'],
        [right.slice(0, 5), 'IncompleteBody'],
        [right.replace('5\r\n', '6\r\n'), 'InvalidChunkSizeError'],
      ] as const) {
        assert.deepEqual(await refused(put(chunked(body), 'chunked')), [400, code]);
      }
      s3.faults.restore();
    });
  });

  it('are refused by another Host header, from any origin, and before the signature is looked at', async () => {
    const { host, port } = new URL(s3.sandbox.s3Url);
    const strange: Record<string, string>[] = [
      { host: 'example.org' },
      { host: `evil.localhost:${port}` },
      { host: '127.0.0.1' },
      { host, origin: 'http://127.0.0.1' },
      { host, origin: 'null' },
    ];
    for (const headers of strange) {
      const { status, body } = await raw(s3.sandbox.s3Url, 'GET', '/', headers);
      assert.equal(status, 403, JSON.stringify(headers));
      assert.match(body, /<Code>AccessDenied<\/Code>/);
    }
    assert.equal((await raw(s3.sandbox.s3Url, 'GET', '/', { host: `localhost:${port}` })).status, 401);
  });
});

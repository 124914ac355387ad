import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { CopyObjectCommand, GetObjectCommand, ListObjectsV2Command } from '@aws-sdk/client-s3';
import type { S3Faults } from '../../../sandbox/index.ts';
import { until } from './harness.ts';
import { filesBelow, pattern, raw, refused, S3Bench } from './s3-harness.ts';

describe('sandbox S3, bad days (R9.7)', () => {
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

  describe('listings', () => {
    it('that are recursive repeat their token beyond 1000 keys; one level does not, nor do markers', async () => {
      for (let at = 0; at < 1500; at++) s3.write(`many/d/${String(at).padStart(4, '0')}`, '');
      const list = (more: Record<string, unknown>) =>
        s3.client.send(new ListObjectsV2Command({ Bucket, Prefix: 'many/', ...more }));
      const first = await list({});
      assert.equal(first.KeyCount, 1000);
      const second = await list({ ContinuationToken: first.NextContinuationToken });
      assert.equal(second.Contents?.[0]?.Key, 'many/d/1000');
      assert.deepEqual([second.IsTruncated, second.NextContinuationToken], [true, first.NextContinuationToken]);
      const all = async (more: Record<string, unknown>): Promise<number> => {
        let count = 0;
        for (let ContinuationToken: string | undefined, pages = 0; pages < 5; pages++) {
          const page = await list({ ...more, ContinuationToken });
          count += page.KeyCount ?? 0;
          ContinuationToken = page.NextContinuationToken;
          if (ContinuationToken === undefined) return count;
        }
        return -1;
      };
      assert.equal(await all({}), -1);
      assert.equal(await all({ Prefix: 'many/d/', Delimiter: '/' }), 1500);
      faults.repeatedTokens = false;
      assert.equal(await all({}), 1500);
    });

    it('of big folders are slow', async () => {
      for (let at = 0; at < 5; at++) s3.write(`big/${String(at)}`, '');
      s3.write('small/1', '');
      faults.slowFolders(2000, 4);
      const time = async (Prefix: string): Promise<number> => {
        const began = performance.now();
        await s3.client.send(new ListObjectsV2Command({ Bucket, Prefix, Delimiter: '/' }));
        return performance.now() - began;
      };
      assert.ok((await time('big/')) > 1990);
      assert.ok((await time('small/')) < 1900);
    });
  });

  describe('completing an upload', () => {
    it('succeeds behind a 524, and the retry finds no upload', async () => {
      const { complete } = await s3.upload('late');
      faults.failAfter(524, { operation: 'CompleteMultipartUpload', times: 1 });
      assert.equal((await refused(complete()))[0], 524);
      assert.equal((await s3.head('late')).ContentLength, 100_000);
      assert.deepEqual(await refused(complete()), [404, 'NoSuchUpload']);
    });

    it('is slow: it goes on when the client has given up, and the retry finds no upload meanwhile', async () => {
      const { complete } = await s3.upload('slow');
      faults.slow(700, { operation: 'CompleteMultipartUpload', times: 1 });
      await assert.rejects(
        complete(s3.connect({ requestHandler: { requestTimeout: 200, throwOnRequestTimeout: true } })),
      );
      assert.deepEqual(await refused(complete()), [404, 'NoSuchUpload']);
      assert.deepEqual(await refused(s3.head('slow')), [404, 'NotFound']);
      await until('the key', () => s3.head('slow').catch(() => undefined), 5);
    });
  });

  it('answers 502 from a proxy so often as asked, and a client with patience gets through', async () => {
    faults.fail(502, { times: 3 });
    const { status, headers } = await raw(s3.sandbox.s3Url, 'GET', '/', { host: 'localhost' });
    assert.deepEqual([status, headers['content-type']], [403, 'application/xml'], 'counts signed requests only');
    await s3.put('patient', 'x', s3.connect({ maxAttempts: 4 }));
    assert.equal((await s3.head('patient')).$metadata.attempts, 1);
    faults.fail(502, { operation: 'PutObject', key: /^a\//, times: 1 });
    await s3.put('b/1');
    assert.equal((await refused(s3.put('a/1')))[0], 502);
    assert.ok(!existsSync(s3.at('a/1')));
    await s3.put('a/1');
  });

  it('denies access now and then', async () => {
    faults.fail(403, { operation: ['GetObject', 'HeadObject'], every: 3, times: 2 });
    s3.write('now and then', 'x');
    const seen: boolean[] = [];
    for (let at = 0; at < 9; at++) {
      seen.push(
        await s3.get('now and then').then(
          () => true,
          (error: unknown) => {
            assert.equal((error as Error).name, 'AccessDenied');
            return false;
          },
        ),
      );
    }
    assert.deepEqual(seen, [true, true, false, true, true, false, true, true, true]);
  });

  it('loses what it has acknowledged', async () => {
    const { complete } = await s3.upload('lost/upload');
    s3.write('copied', 'x');
    faults.lose({ key: /^lost\// });
    await complete();
    await s3.put('lost/body');
    await s3.client.send(new CopyObjectCommand({ Bucket, Key: 'lost/copy', CopySource: `${Bucket}/copied` }));
    for (const key of ['lost/upload', 'lost/body', 'lost/copy']) {
      assert.deepEqual(await refused(s3.head(key)), [404, 'NotFound']);
    }
    await s3.put('kept');
    await s3.head('kept');
  });

  describe('downloads', () => {
    it('end in the middle with 200: seen by the length, or not at all', async () => {
      const data = pattern(1_000_000);
      s3.write('ending', data);
      faults.endEarly({ bytes: 400_000, times: 1 });
      await assert.rejects(s3.get('ending'));
      faults.endEarly({ bytes: 400_000, silent: true, times: 1 });
      assert.equal((await s3.get('ending')).length, 400_000);
      assert.ok((await s3.get('ending')).equals(data));
    });

    it('are cut by a reset after so many bytes', async () => {
      s3.write('cut', pattern(1_000_000));
      faults.cut({ operation: 'GetObject', direction: 'down', bytes: 300_000, times: 1 });
      const { Body } = await s3.client.send(new GetObjectCommand({ Bucket, Key: 'cut' }));
      let received = 0;
      await assert.rejects(async () => {
        for await (const chunk of Body as AsyncIterable<Buffer>) received += chunk.length;
      });
      assert.equal(received, 300_000);
      assert.equal((await s3.get('cut')).length, 1_000_000);
    });
  });

  it('cuts uploads after so many bytes, and keeps nothing of them', async () => {
    faults.cut({ operation: 'PutObject', direction: 'up', bytes: 500_000, times: 1 });
    const [status] = await refused(s3.put('cut upload', pattern(3_000_000)));
    assert.equal(status, undefined);
    await until('the rest to go', () => s3.clean);
    assert.ok(!existsSync(s3.at('cut upload')));
    await s3.put('cut upload', pattern(3_000_000));
  });

  it('cuts at random, the same way for the same seed', async () => {
    const play = async (seed: number): Promise<string> => {
      faults.restore();
      faults.cutRandomly(seed, { operation: 'PutObject', probability: 0.5, bytes: 100_000 });
      let seen = '';
      for (let at = 0; at < 12; at++) {
        seen += await s3.put('random', pattern(200_000)).then(
          () => '.',
          () => 'x',
        );
      }
      return seen;
    };
    const first = await play(7);
    assert.match(first, /x/);
    assert.match(first, /\./);
    assert.equal(await play(7), first);
    assert.notEqual(await play(8), first);
  });

  it('goes away, refused or reset, and comes back at the same address', async () => {
    const { s3: handle, s3Url } = s3.sandbox;
    for (const [how, code] of [
      ['refused', /ECONNREFUSED/],
      ['reset', /ECONNRESET/],
    ] as const) {
      await handle.down(how);
      // A connection that was kept open would only tell that it ended.
      const [, seen] = await refused(s3.put('kept', 'x', s3.connect()));
      await handle.up();
      assert.match(seen, code);
      await s3.put('kept', 'x', s3.connect());
    }
    assert.equal(handle.url, s3Url);
  });

  it('ends requests that are held back when it closes', async () => {
    const lines: string[] = [];
    const other = await S3Bench.start({ log: (line) => lines.push(line) });
    try {
      other.sandbox.s3.faults.slow(600_000);
      const ended = refused(other.put('held', pattern(10)));
      await until('the request', () => other.sandbox.s3.faults.held > 0);
      await other.stop();
      assert.equal((await ended)[0], undefined);
      assert.ok(other.clean);
      const text = lines.join('\n');
      assert.match(text, /s3 PUT \/\w+\/held/);
      const { secretAccessKey } = other.sandbox.s3Keys;
      for (const file of filesBelow(other.bench.folder)) {
        assert.ok(!readFileSync(file).includes(secretAccessKey), file);
      }
      assert.ok(!text.includes(secretAccessKey) && !text.includes('Signature'));
    } finally {
      await other.close();
    }
  });
});

import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { readdir, readFile, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { S3Error, sourceOf, VolumeStore, type UploadSource } from '../../../src/core/s3/index.ts';
import { useTempFolder } from '../../support/temp.ts';
import { bucket, quick, startSecondServer, type SecondServer } from './second-server.ts';

const hostile = [
  'a b  c.txt',
  `it's "quoted".txt`,
  'line\nbreak\ttab.txt',
  'grüße-日本語-🚀-e\u0301.txt',
  '100%#?&+=;:@!$*(),~[]{}|^`<>\\.txt',
  '%2F%41.txt',
  '-rf',
  `${'l'.repeat(200)}.txt`,
];

describe('the S3 client against a server that nobody here wrote (R2.1)', () => {
  const temp = useTempFolder();
  let server: SecondServer;
  beforeEach(async () => {
    server = await startSecondServer(temp.path);
  });
  afterEach(async () => {
    await server.close();
  });

  async function source(name: string, content: Buffer): Promise<UploadSource> {
    const file = path.join(temp.path, name);
    await writeFile(file, content);
    return sourceOf(file, createHash('sha256').update(content).digest('hex'));
  }

  it('answers probes as values: works, denied, no bucket, unreachable (R1.2)', async () => {
    assert.equal((await server.store().probe()).state, 'works');
    const answers = async (change: object, volume = bucket): Promise<string> => {
      const store = new VolumeStore({ ...server.access, ...change }, volume, { timing: quick });
      const { state, sentence } = await store.probe();
      assert.doesNotMatch(sentence, /wrongsecret/);
      await store.close();
      return state;
    };
    assert.equal(await answers({ secretAccessKey: 'wrongsecret' }), 'denied');
    assert.equal(await answers({}, 'volume02'), 'no-bucket');
    assert.equal(await answers({ endpoint: 'http://127.0.0.1:9' }), 'unreachable');
  });

  it('carries files of every size and hostile name there and back, byte for byte', async () => {
    const store = server.store();
    const sizes = [0, 1, 4095, 256 * 1024, 256 * 1024 + 1, 3_000_000, 17, 18];
    for (const [index, name] of hostile.entries()) {
      const content = randomBytes(sizes[index] ?? 5);
      let moved = 0;
      const sent = await store.upload(await source('local.bin', content), `projects/p/${name}`, {
        onBytes: (bytes) => (moved += bytes),
      });
      assert.equal(sent.size, content.length);
      assert.equal(moved, content.length);
      const back = path.join(temp.path, 'back.bin');
      await store.download(`projects/p/${name}`, back, { sha256: createHash('sha256').update(content).digest('hex') });
      assert.deepEqual(await readFile(back), content, name);
      assert.deepEqual(await store.read(`projects/p/${name}`, { maxBytes: 4e6 }), content);
    }
    // This server escapes what XML needs escaped twice, so those names are compared with the sandbox's answers.
    const plain = (names: string[]): Set<string> => new Set(names.filter((name) => !/[&'`<>]/.test(name)));
    const listed = (await store.list('projects/p')).map((item) => item.name);
    assert.equal(listed.length, hostile.length);
    assert.deepEqual(plain(listed), plain(hostile));
    assert.deepEqual(await store.list('projects'), [{ name: 'p', kind: 'folder', size: 0, modified: undefined }]);
    for (const name of hostile) {
      await store.remove(`projects/p/${name}`);
    }
    assert.deepEqual(await store.list('projects/p'), []);
    assert.equal(await store.head('projects/p/-rf'), undefined);
    assert.equal(await store.read('projects/p/-rf', { maxBytes: 1 }), undefined);
    await store.remove('projects/p/-rf');
  });

  it('sends large files in parts and fetches them in ranges (R2.4)', async () => {
    const store = server.store({
      upload: { singleBytes: 1_000_000, partBytes: 700_000 },
      download: { rangeBytes: 500_000 },
    });
    const content = randomBytes(5_000_001);
    const journal = path.join(temp.path, 'journal');
    const { sentBytes, size } = await store.upload(await source('large.bin', content), 'large.bin', { journal });
    assert.equal(size, content.length);
    assert.equal(sentBytes, content.length);
    assert.deepEqual(await readdir(journal), []);
    const back = path.join(temp.path, 'back.bin');
    const { receivedBytes } = await store.download('large.bin', back, { resume: true });
    assert.equal(receivedBytes, content.length);
    assert.deepEqual(await readFile(back), content);
    assert.deepEqual((await readdir(temp.path)).sort(), ['back.bin', 'journal', 'large.bin', 's3']);
  });

  it('signs the hash of what it sends, or nothing of it where asked to', async () => {
    for (const signPayload of [true, false]) {
      const store = server.store({ upload: { signPayload, singleBytes: 1000, partBytes: 1000 } });
      const content = randomBytes(2500);
      await store.upload(await source('f.bin', content), 'f.bin');
      assert.deepEqual(await store.read('f.bin', { maxBytes: 5000 }), content);
    }
  });

  it('refuses a file that is not what was hashed, and leaves what was there (R2.6)', async () => {
    const store = server.store({ upload: { singleBytes: 1_000_000, partBytes: 300_000 } });
    for (const size of [5000, 1_500_000]) {
      const before = randomBytes(size);
      await store.upload(await source('f.bin', before), 'f.bin');
      const wrong = { ...(await source('g.bin', randomBytes(size))), sha256: 'a'.repeat(64) };
      await assert.rejects(store.upload(wrong, 'f.bin'), { code: 'file-changed' });
      await assert.rejects(store.upload({ ...wrong, mtimeMs: 1 }, 'f.bin'), { code: 'file-changed' });
      await assert.rejects(store.upload({ ...wrong, absolute: '/nowhere' }, 'f.bin'), { code: 'file-unreadable' });
      assert.deepEqual(await store.read('f.bin', { maxBytes: 2e6 }), before);
    }
  });

  it('refuses keys that are no plain paths, and reads at most what it was told', async () => {
    const store = server.store();
    for (const key of ['', '/a', 'a//b', '../a', 'a/./b', 'a\0b', 'x'.repeat(256)]) {
      await assert.rejects(store.head(key), { code: 'unsafe-name' });
    }
    await store.write('a.txt', Buffer.from('hello'));
    await assert.rejects(store.read('a.txt', { maxBytes: 4 }), { code: 'file-too-large' });
  });

  it('says that a file is missing, and leaves nothing behind', async () => {
    const target = path.join(temp.path, 'x');
    await assert.rejects(server.store().download('none', target), (error) => {
      assert.ok(error instanceof S3Error);
      assert.equal(error.code, 's3-missing');
      return true;
    });
    assert.deepEqual(await readdir(temp.path), ['s3']);
    await assert.rejects(stat(target));
  });
});

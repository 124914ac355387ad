import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { appendFile, mkdir, readdir, readFile, rm, truncate, utimes, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { until } from '../../support/wait.ts';
import { sha256, VolumeBench } from './volume-bench.ts';

const small = { upload: { singleBytes: 200_000, partBytes: 100_000 }, download: { rangeBytes: 100_000 } };

describe('the S3 client against the quirks of the platform (R2.1, R2.5)', () => {
  let bench: VolumeBench;
  before(async () => {
    bench = await VolumeBench.start();
  });
  afterEach(async () => {
    bench.sandbox.s3.faults.restore();
    await until('nothing lies unfinished', async () => (await bench.unfinished()).length === 0);
    await rm(bench.journals, { recursive: true, force: true });
  });
  after(() => bench.close());

  const far = (key: string): Promise<Buffer> => readFile(path.join(bench.far, key));

  it('takes a completion for done that was answered 524 and was carried out', async () => {
    const { faults } = bench.sandbox.s3;
    for (const status of [524, 502]) {
      const content = randomBytes(450_000);
      faults.failAfter(status, { operation: 'CompleteMultipartUpload', times: 1 });
      const { sentBytes } = await bench.store(small).upload(await bench.source('a', content), 'a.bin');
      assert.equal(sentBytes, content.length);
      assert.deepEqual(await far('a.bin'), content);
    }
  });

  it('asks again for a completion that was refused with 502 and was not carried out', async () => {
    const content = randomBytes(450_000);
    bench.sandbox.s3.faults.fail(502, { operation: 'CompleteMultipartUpload', times: 3 });
    const { sentBytes } = await bench.store(small).upload(await bench.source('a', content), 'a.bin');
    assert.equal(sentBytes, content.length);
    assert.deepEqual(await far('a.bin'), content);
  });

  it('waits for a completion that takes longer than its patience', async () => {
    const content = randomBytes(450_000);
    bench.sandbox.s3.faults.slow(900, { operation: 'CompleteMultipartUpload', times: 1 });
    const store = bench.store({ ...small, timing: { completeMs: 600 } });
    await store.upload(await bench.source('a', content), 'slow.bin');
    assert.deepEqual(await far('slow.bin'), content);
  });

  it('sends on through 502, 503 and 429, and ends after the last attempt', async () => {
    const { faults } = bench.sandbox.s3;
    const content = randomBytes(450_000);
    faults.fail(502, { operation: 'UploadPart', every: 2 });
    faults.fail(503, { operation: 'HeadObject', times: 3 });
    faults.fail(429, { operation: 'CreateMultipartUpload', times: 2 });
    let moved = 0;
    const options = { onBytes: (bytes: number): void => void (moved += bytes) };
    await bench.store(small).upload(await bench.source('a', content), 'b.bin', options);
    assert.equal(moved, content.length);
    assert.deepEqual(await far('b.bin'), content);
    faults.fail(502, { operation: 'PutObject' });
    const lasting = bench.store({ timing: { attempts: 3 } }).write('c.txt', Buffer.from('x'));
    await assert.rejects(lasting, { code: 's3-failing' });
  });

  it('says that the volume is full, gives its room back and does not try again (R2.7)', async () => {
    bench.sandbox.s3.faults.limit(bench.volume, 300_000);
    const source = await bench.source('a', randomBytes(900_000));
    const { journals } = bench;
    await assert.rejects(bench.store(small).upload(source, 'full.bin', { journal: journals }), { code: 'volume-full' });
    assert.deepEqual(await readdir(journals), []);
    await assert.rejects(bench.store().upload(source, 'full.bin'), { code: 'volume-full' });
  });

  it('notices a silent loss, sends once more, and then says so', async () => {
    const { faults } = bench.sandbox.s3;
    for (const bytes of [50_000, 450_000]) {
      const content = randomBytes(bytes);
      const source = await bench.source('a', content);
      faults.lose({ operation: ['PutObject', 'CompleteMultipartUpload'], times: 1 });
      let moved = 0;
      const onBytes = (count: number): void => void (moved += count);
      const { sentBytes } = await bench.store(small).upload(source, 'lost.bin', { onBytes });
      assert.equal(sentBytes, 2 * bytes);
      assert.equal(moved, bytes);
      assert.deepEqual(await far('lost.bin'), content);
      await rm(path.join(bench.far, 'lost.bin'));
      faults.lose();
      await assert.rejects(bench.store(small).upload(source, 'lost.bin'), { code: 's3-lost' });
      faults.restore();
    }
  });

  it('lists folders of thousands of files, and says when a level runs in a circle', async () => {
    const folder = path.join(bench.far, 'many');
    await mkdir(path.join(folder, 'sub'), { recursive: true });
    await mkdir(path.join(folder, 'empty'));
    const names = [...Array.from({ length: 2500 }, (_, i) => `f${i}`), `it's <&> "q" \`.txt`, 'line\nbreak', 'a+b %2F'];
    await Promise.all(names.map((name) => writeFile(path.join(folder, name), name)));
    const items = await bench.store().list('many');
    assert.deepEqual(
      items.filter(({ kind }) => kind === 'folder').map(({ name }) => name),
      ['empty', 'sub'],
    );
    assert.deepEqual(new Set(items.filter(({ kind }) => kind === 'file').map(({ name }) => name)), new Set(names));
    assert.deepEqual(await bench.store().list('many/empty'), []);
    await rm(folder, { recursive: true });
  });

  it('carries a name of 255 bytes and hostile ones', async () => {
    for (const name of ['n'.repeat(255), 'ü'.repeat(127), `it's\n"x" #?%+&;=`, ' lead', 'trail ', '~!*()']) {
      const content = randomBytes(1000);
      await bench.store().upload(await bench.source('a', content), `projects/p/${name}`);
      assert.deepEqual(await far(`projects/p/${name}`), content);
      const back = path.join(bench.folder, 'back');
      await bench.store().download(`projects/p/${name}`, back);
      assert.deepEqual(await readFile(back), content);
    }
  });

  it('goes on where an answer ended early with 200, announced or silent', async () => {
    const content = randomBytes(350_000);
    await writeFile(path.join(bench.far, 'eof.bin'), content);
    for (const silent of [false, true]) {
      bench.sandbox.s3.faults.endEarly({ operation: 'GetObject', bytes: 30_000, silent, times: 5 });
      const back = path.join(bench.folder, 'back');
      let moved = 0;
      const { receivedBytes } = await bench
        .store(small)
        .download('eof.bin', back, { sha256: sha256(content), onBytes: (bytes) => (moved += bytes) });
      assert.deepEqual(await readFile(back), content);
      assert.equal(receivedBytes, content.length);
      assert.equal(moved, content.length);
      bench.sandbox.s3.faults.restore();
    }
  });

  it('refuses a file that changes at the far end while it is fetched, and another content than announced', async () => {
    const place = path.join(bench.far, 'moving.bin');
    await writeFile(place, randomBytes(350_000));
    const back = path.join(bench.folder, 'never');
    let touched: Promise<void> | undefined;
    const onBytes = (): void => void (touched ??= appendFile(place, 'more'));
    const options = { onBytes, resume: true };
    await assert.rejects(bench.store(small).download('moving.bin', back, options), { code: 's3-changed' });
    await touched;
    const wrong = bench.store(small).download('moving.bin', back, { sha256: 'a'.repeat(64) });
    await assert.rejects(wrong, { code: 'fetch-mismatch' });
    assert.deepEqual(
      (await readdir(bench.folder)).filter((name) => name.startsWith('never')),
      [],
    );
  });

  it('goes on with a download that was stopped in mid-file (R2.4)', async () => {
    const content = randomBytes(2_000_000);
    await writeFile(path.join(bench.far, 'resume.bin'), content);
    const back = path.join(bench.folder, 'resumed');
    const controller = new AbortController();
    let moved = 0;
    const stopping = bench.store(small).download('resume.bin', back, {
      resume: true,
      signal: controller.signal,
      onBytes: (bytes) => {
        moved += bytes;
        if (moved > 1_000_000) controller.abort();
      },
    });
    await assert.rejects(stopping, { name: 'CancelledError' });
    const { receivedBytes } = await bench.store(small).download('resume.bin', back, { resume: true });
    assert.deepEqual(await readFile(back), content);
    assert.ok(receivedBytes <= content.length - moved + 4 * 100_000 + 65_536, `${receivedBytes} after ${moved}`);
  });

  it('refuses files that change, shrink, vanish or are replaced while they are sent (R2.6)', async () => {
    const changes: [string, (file: string) => Promise<void>][] = [
      ['grow', (file) => appendFile(file, 'x')],
      ['shrink', (file) => truncate(file, 1000)],
      ['vanish', (file) => rm(file)],
      ['rewritten', (file) => writeFile(file, randomBytes(900_000))],
    ];
    for (const [name, change] of changes) {
      const before = randomBytes(10);
      await writeFile(path.join(bench.far, 'kept.bin'), before);
      const source = await bench.source('changing', randomBytes(900_000));
      let changed: Promise<void> | undefined;
      const onBytes = (): void => void (changed ??= change(source.absolute));
      const sending = bench.store(small).upload(source, 'kept.bin', { onBytes, journal: bench.journals });
      await assert.rejects(sending, { code: 'file-changed' }, name);
      await changed;
      assert.deepEqual(await far('kept.bin'), before, name);
    }
  });

  it('notices content that changed although its time was set back', async () => {
    const content = randomBytes(900_000);
    const source = await bench.source('sly', content);
    const other = randomBytes(900_000);
    await writeFile(source.absolute, other);
    await utimes(source.absolute, source.mtimeMs / 1000, source.mtimeMs / 1000);
    const sly = { ...(await bench.source('sly', other)), sha256: source.sha256 };
    await assert.rejects(bench.store(small).upload(sly, 'sly.bin'), { code: 'file-changed' });
    await assert.rejects(bench.store().upload(sly, 'sly.bin'), { code: 'file-changed' });
    assert.equal(await bench.store().head('sly.bin'), undefined);
  });

  it('stops when told to, and leaves nothing', async () => {
    for (const bytes of [150_000, 900_000]) {
      const controller = new AbortController();
      const { signal } = controller;
      const source = await bench.source('stop', randomBytes(bytes));
      const sending = bench.store(small).upload(source, 'stop', { signal, onBytes: () => controller.abort() });
      await assert.rejects(sending, { name: 'CancelledError' });
      assert.equal(await bench.store().head('stop'), undefined);
    }
  });

  it('tells no key in what it says', async () => {
    const { accessKeyId, secretAccessKey } = bench.access;
    const store = bench.store({}, { secretAccessKey: `${secretAccessKey}x` });
    await assert.rejects(store.list(''), (error: Error) => {
      const shown = `${JSON.stringify(error)} ${error.stack} ${String(error.cause)}`;
      assert.doesNotMatch(shown, new RegExp(`${secretAccessKey}|${accessKeyId}|Signature=`));
      assert.equal((error as { code?: string }).code, 's3-denied');
      return true;
    });
  });
});

import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { open, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { sourceOf, VolumeStore } from '../../../src/core/s3/index.ts';
import { sha256Of } from '../../../src/core/files/hash.ts';
import { CuttingProxy } from '../../support/cutting-proxy.ts';
import { until } from '../../support/wait.ts';
import { bucket, quick, startSecondServer } from './second-server.ts';
import type { ChildOrder } from './upload-child.ts';
import { sha256, VolumeBench } from './volume-bench.ts';

const partBytes = 100_000;
const small = { upload: { singleBytes: 200_000, partBytes }, download: { rangeBytes: partBytes } };

describe('S3 transfers that are broken off (R2.4)', () => {
  let bench: VolumeBench;
  before(async () => {
    bench = await VolumeBench.start();
  });
  afterEach(async () => {
    bench.sandbox.s3.faults.restore();
    await rm(bench.journals, { recursive: true, force: true });
  });
  after(() => bench.close());

  function start(order: Omit<ChildOrder, 'access' | 'volume'>): ChildProcess & { stdout: NodeJS.ReadableStream } {
    const file = path.join(import.meta.dirname, 'upload-child.ts');
    const child = spawn(process.execPath, [file], { stdio: ['pipe', 'pipe', 'inherit'] });
    child.stdin.end(JSON.stringify({ access: bench.access, volume: bench.volume, ...order }));
    return child;
  }

  interface Bytes {
    sent: number;
    received: number;
    size: number;
  }

  /** Sends a file and fetches it, and looks whether every byte is right and the progress told is. */
  async function thereAndBack(store: VolumeStore, seed: number): Promise<Bytes> {
    const content = randomBytes(1_500_000 + seed);
    const source = await bench.source('cut.bin', content);
    let [moved, came] = [0, 0];
    const { sentBytes } = await store.upload(source, 'cut.bin', { onBytes: (bytes) => (moved += bytes) });
    const back = path.join(bench.folder, 'back.bin');
    const { receivedBytes } = await store.download('cut.bin', back, { onBytes: (bytes) => (came += bytes) });
    assert.deepEqual(await readFile(back), content, `seed ${seed}`);
    assert.deepEqual([moved, came], [content.length, content.length], `seed ${seed}`);
    return { sent: sentBytes, received: receivedBytes, size: content.length };
  }

  const patient = { ...small, timing: { ...quick, attempts: 40, baseMs: 1, maxDelayMs: 20 } };

  it('has every byte right after 100 seeded cuts of the line, and sends none twice beyond the open parts', async () => {
    const server = await startSecondServer(bench.folder);
    const target = Number(new URL(server.access.endpoint).port);
    let cuts = 0;
    for (let seed = 1; cuts < 100; seed += 1) {
      const proxy = await CuttingProxy.open(target, { seed, count: 30, between: [20_000, 220_000] });
      const access = { ...server.access, endpoint: `http://127.0.0.1:${proxy.port}` };
      const store = new VolumeStore(access, bucket, patient);
      try {
        const { sent, received, size } = await thereAndBack(store, seed);
        // Each cut hits one connection, and with it one part.
        assert.ok(sent - size <= proxy.cuts * partBytes, `${sent - size} bytes went twice for ${proxy.cuts} cuts`);
        assert.equal(received, size, 'a byte was fetched twice');
        assert.ok(proxy.cuts > 10, `seed ${seed} cut ${proxy.cuts} times`);
        cuts += proxy.cuts;
      } finally {
        await store.close();
        await proxy.close();
      }
    }
    await server.close();
  });

  it('has every byte right when the service itself cuts at random, for 30 seeds', async () => {
    for (let seed = 1; seed <= 30; seed += 1) {
      bench.sandbox.s3.faults.cutRandomly(seed, { probability: 0.2, bytes: partBytes });
      const { received, size } = await thereAndBack(bench.store(patient), seed);
      assert.equal(received, size, 'a byte was fetched twice');
      bench.sandbox.s3.faults.restore();
    }
    await until('nothing lies unfinished', async () => (await bench.unfinished()).length === 0);
  });

  it('goes on after SIGKILL with the parts that had arrived', async () => {
    const content = randomBytes(3_000_000);
    const source = await bench.source('killed.bin', content);
    const key = 'killed.bin';
    bench.sandbox.s3.faults.slow(100, { operation: 'UploadPart' });
    const child = start({ options: small, source, key, journal: bench.journals });
    const gone = new Promise((resolve) => child.once('close', resolve));
    const parts = async (): Promise<number> => {
      const names = await readdir(bench.journals).catch(() => []);
      const name = names.find((each) => each.endsWith('.upload.jsonl'));
      return name === undefined ? 0 : (await readFile(path.join(bench.journals, name), 'utf8')).split('\n').length - 2;
    };
    await until('parts arrive', async () => (await parts()) >= 6);
    child.kill('SIGKILL');
    await gone;
    bench.sandbox.s3.faults.restore();
    const arrived = await parts();
    assert.equal((await bench.unfinished()).length > 0, true);
    let moved = 0;
    const { sentBytes } = await bench
      .store(small)
      .upload(source, key, { journal: bench.journals, onBytes: (bytes) => (moved += bytes) });
    assert.equal(sentBytes, content.length - arrived * partBytes);
    assert.equal(moved, content.length);
    assert.deepEqual(await readFile(path.join(bench.far, key)), content);
    assert.deepEqual(await bench.unfinished(), []);
    assert.deepEqual(await readdir(bench.journals), []);
  });

  /** Breaks an upload off by its signal, so that it can be gone on with. */
  async function breakOff(name: string, content: Buffer): Promise<void> {
    const controller = new AbortController();
    let moved = 0;
    const onBytes = (bytes: number): void => {
      moved += bytes;
      if (moved > 600_000) controller.abort();
    };
    const source = await bench.source(name, content);
    const options = { journal: bench.journals, signal: controller.signal, onBytes };
    await assert.rejects(bench.store(small).upload(source, name, options), { name: 'CancelledError' });
  }

  it('ends its own upload when the file is another one now, and never those of others', async () => {
    const { CreateMultipartUploadCommand, S3Client, AbortMultipartUploadCommand } = await import('@aws-sdk/client-s3');
    const { endpoint, region, ...credentials } = bench.access;
    const client = new S3Client({ endpoint, region, credentials, forcePathStyle: true });
    const theirs = { Bucket: bench.volume, Key: 'mine.bin' };
    const { UploadId } = await client.send(new CreateMultipartUploadCommand(theirs));
    const alone = await bench.unfinished();
    await breakOff('mine.bin', randomBytes(1_500_000));
    assert.equal((await bench.unfinished()).length, alone.length + 1);
    const content = randomBytes(1_200_000);
    const source = await bench.source('mine.bin', content);
    const { sentBytes } = await bench.store(small).upload(source, 'mine.bin', { journal: bench.journals });
    assert.equal(sentBytes, content.length);
    assert.deepEqual(await readFile(path.join(bench.far, 'mine.bin')), content);
    assert.deepEqual(await bench.unfinished(), alone);

    await breakOff('stale.bin', randomBytes(1_500_000));
    assert.equal(await bench.store().abortStale(bench.journals), 0, 'it can still go on');
    await rm(path.join(bench.folder, 'stale.bin'));
    assert.equal(await bench.store().abortStale(bench.journals), 1);
    assert.deepEqual(await bench.unfinished(), alone);
    assert.deepEqual(await readdir(bench.journals), []);
    await client.send(new AbortMultipartUploadCommand({ ...theirs, UploadId }));
    client.destroy();
  });

  it('sees that an upload was completed although nobody was left to hear it', async () => {
    const content = randomBytes(1_500_000);
    const source = await bench.source('done.bin', content);
    const { faults } = bench.sandbox.s3;
    // The answer is lost, and the look that follows it, the second one, hangs.
    faults.failAfter(502, { operation: 'CompleteMultipartUpload' });
    faults.slow(60_000, { operation: 'HeadObject', every: 2, times: 1 });
    const child = start({ options: small, source, key: 'done.bin', journal: bench.journals });
    const gone = new Promise((resolve) => child.once('close', resolve));
    await until('the service has completed it', () => stat(path.join(bench.far, 'done.bin')).catch(() => undefined));
    child.kill('SIGKILL');
    await gone;
    faults.restore();
    assert.equal((await readdir(bench.journals)).filter((name) => name.endsWith('.jsonl')).length, 1);
    const { sentBytes } = await bench.store(small).upload(source, 'done.bin', { journal: bench.journals });
    assert.equal(sentBytes, 0);
    assert.deepEqual(await readdir(bench.journals), []);
  });

  it('trusts neither parts that are gone at the far end nor a journal that is torn', async () => {
    const content = randomBytes(1_500_000);
    await breakOff('torn.bin', content);
    const [name] = (await readdir(bench.journals)).filter((each) => each.endsWith('.upload.jsonl'));
    const file = path.join(bench.journals, name!);
    await writeFile(file, `${await readFile(file, 'utf8')}{"part":9,"eta`);
    const source = await sourceOf(path.join(bench.folder, 'torn.bin'), sha256(content));
    await bench.store(small).upload(source, 'torn.bin', { journal: bench.journals });
    assert.deepEqual(await readFile(path.join(bench.far, 'torn.bin')), content);

    await breakOff('gone.bin', content);
    await rm(path.join(bench.far, '.s3compat_uploads'), { recursive: true });
    const again = await sourceOf(path.join(bench.folder, 'gone.bin'), sha256(content));
    await bench.store(small).upload(again, 'gone.bin', { journal: bench.journals });
    assert.deepEqual(await readFile(path.join(bench.far, 'gone.bin')), content);
    assert.deepEqual(await readdir(bench.journals), []);
  });

  it('sends 1 GB of a sparse file in flat memory (R2.9)', async () => {
    const size = 1e9;
    const file = path.join(bench.folder, 'sparse.bin');
    const handle = await open(file, 'w');
    await handle.truncate(size);
    await handle.write('the end', size - 7);
    await handle.close();
    const source = await sourceOf(file, await sha256Of(file));
    const child = start({ options: {}, source, key: 'sparse.bin', journal: bench.journals });
    const told = JSON.parse(await text(child.stdout)) as { sentBytes: number; rss: number; growth: number };
    assert.equal(told.sentBytes, size);
    assert.ok(told.rss < 300e6, `${told.rss} bytes of memory`);
    assert.equal((await stat(path.join(bench.far, 'sparse.bin'))).size, size);
  }).timeout(300_000);
});

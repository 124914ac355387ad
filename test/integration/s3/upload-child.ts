import { text } from 'node:stream/consumers';
import { VolumeStore, type S3Access, type UploadSource, type VolumeStoreOptions } from '../../../src/core/s3/index.ts';

/** What the process is told by standard input, for it has keys in it. */
export interface ChildOrder {
  access: S3Access;
  volume: string;
  options: VolumeStoreOptions;
  source: UploadSource;
  key: string;
  journal: string;
}

/** Uploads one file and writes the growth of its memory and the bytes that it sent. */
async function main(): Promise<void> {
  const order = JSON.parse(await text(process.stdin)) as ChildOrder;
  const store = new VolumeStore(order.access, order.volume, order.options);
  await store.probe();
  const before = process.memoryUsage.rss();
  const { sentBytes } = await store.upload(order.source, order.key, { journal: order.journal });
  const { maxRSS } = process.resourceUsage();
  await store.close();
  process.stdout.write(JSON.stringify({ sentBytes, rss: maxRSS * 1024, growth: maxRSS * 1024 - before }));
}

await main();

import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { VolumeStore, type S3Access, type VolumeStoreOptions } from '../../../src/core/s3/index.ts';

interface Server {
  run(): Promise<AddressInfo>;
  close(): Promise<void>;
  httpServer: { closeAllConnections(): void };
}
const S3rver = createRequire(import.meta.url)('@20minutes/s3rver') as new (options: object) => Server;

export const bucket = 'volume01';

export interface SecondServer {
  access: S3Access;
  /** Where it keeps its files. */
  directory: string;
  store: (options?: VolumeStoreOptions) => VolumeStore;
  close: () => Promise<void>;
}

/** An S3 server that is not ours, with an empty bucket; it checks signatures against the keys below. */
export async function startSecondServer(root: string): Promise<SecondServer> {
  const directory = path.join(root, 's3');
  const server = new S3rver({
    port: 0,
    address: '127.0.0.1',
    silent: true,
    directory,
    vhostBuckets: false,
    configureBuckets: [{ name: bucket, configs: [] }],
  });
  const { port } = await server.run();
  const access = {
    endpoint: `http://127.0.0.1:${port}`,
    region: 'EU-RO-1',
    accessKeyId: 'S3RVER',
    secretAccessKey: 'S3RVER',
  };
  const stores: VolumeStore[] = [];
  return {
    access,
    directory,
    store: (options) => {
      const store = new VolumeStore(access, bucket, { timing: quick, ...options });
      stores.push(store);
      return store;
    },
    close: async () => {
      await Promise.all(stores.map((store) => store.close()));
      server.httpServer.closeAllConnections();
      await server.close();
    },
  };
}

/** Waits that suit a server on this machine. */
export const quick = { baseMs: 10, maxDelayMs: 100, completeMs: 3000, listPauseMs: 10, quietMs: 10_000 };

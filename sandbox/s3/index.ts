import { randomBytes } from 'node:crypto';
import { S3Faults } from './faults.ts';
import { VolumeFiles } from './files.ts';
import type { Bucket } from './context.ts';
import { S3Server } from './server.ts';
import type { S3Keys } from './signature.ts';
import { Uploads } from './uploads.ts';

export type { Operation } from './operations.ts';
export type { S3Faults, S3Filter } from './faults.ts';
export type { S3Keys } from './signature.ts';

interface VolumeSeen {
  id: string;
  dataCenter: string;
  /** GB allocated. */
  size: number;
}

export interface S3Settings {
  /** 0 for a free one. */
  port: number;
  /** The account's volumes at this moment. */
  volumes: () => readonly VolumeSeen[];
  directory: (id: string) => string;
  log: (line: string) => void;
}

/** The S3 API of all data centers that have one, at one address; the region of a signature says which is meant. */
export class S3 {
  readonly url: string;
  /** New at every start. */
  readonly keys: S3Keys;
  readonly faults: S3Faults;
  readonly #server: S3Server;

  private constructor(url: string, keys: S3Keys, faults: S3Faults, server: S3Server) {
    this.url = url;
    this.keys = keys;
    this.faults = faults;
    this.#server = server;
  }

  static async start(settings: S3Settings): Promise<S3> {
    const keys = {
      accessKeyId: `user_${randomBytes(12).toString('hex')}`,
      secretAccessKey: `rps_${randomBytes(24).toString('hex').toUpperCase()}`,
    };
    const faults = new S3Faults();
    const buckets = new Map<string, Bucket & { size: number }>();
    const bucketOf = ({ id, dataCenter, size }: VolumeSeen): Bucket => {
      let bucket = buckets.get(id);
      if (bucket === undefined) {
        const capacity = (): number => faults.capacity(id, (buckets.get(id)?.size ?? 0) * 1e9);
        const files = new VolumeFiles(settings.directory(id), capacity);
        bucket = { id, dataCenter, size, files, uploads: new Uploads(files) };
        buckets.set(id, bucket);
      }
      bucket.size = size;
      return bucket;
    };
    for (const volume of settings.volumes()) await bucketOf(volume).files.clean();
    const server = new S3Server({ keys, faults, log: settings.log, buckets: () => settings.volumes().map(bucketOf) });
    const port = await server.listen(settings.port);
    return new S3(`http://127.0.0.1:${String(port)}`, keys, faults, server);
  }

  /** The service goes away, or comes back at the same address. */
  down(how: 'refused' | 'reset'): Promise<void> {
    return this.#server.down(how);
  }

  up(): Promise<void> {
    return this.#server.up();
  }

  close(): Promise<void> {
    this.faults.restore();
    return this.#server.close();
  }
}

import { createHash, randomBytes } from 'node:crypto';
import { mkdtemp, readdir, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { startSandbox, type Sandbox } from '../../../sandbox/index.ts';
import {
  sourceOf,
  VolumeStore,
  type S3Access,
  type UploadSource,
  type VolumeStoreOptions,
} from '../../../src/core/s3/index.ts';
import { hashFiles, type HashedFile } from '../../../src/core/files/hash.ts';
import { scan } from '../../../src/core/files/scan.ts';
import { call, type Json } from '../sandbox/harness.ts';
import { quick } from './second-server.ts';

const region = 'US-MD-1';

/** A sandbox with one volume, and folders of this machine beside it. */
export class VolumeBench {
  readonly folder: string;
  readonly sandbox: Sandbox;
  readonly volume: string;
  /** The volume's files. */
  readonly far: string;
  readonly journals: string;
  readonly #stores: VolumeStore[] = [];

  private constructor(folder: string, sandbox: Sandbox, volume: string) {
    this.folder = folder;
    this.sandbox = sandbox;
    this.volume = volume;
    this.far = sandbox.volumeDirectory(volume);
    this.journals = path.join(folder, 'journals');
  }

  static async start(size = 10): Promise<VolumeBench> {
    const folder = await realpath(await mkdtemp(path.join(tmpdir(), 'runpod-trainer-test-')));
    const sandbox = await startSandbox({ root: path.join(folder, 'sandbox') });
    const body = { name: `data-${randomBytes(3).toString('hex')}`, size, dataCenter: region };
    const made: Json = (await call(sandbox, 'POST', '/network-volumes', body)).body;
    return new VolumeBench(folder, sandbox, made.id);
  }

  get access(): S3Access {
    return { endpoint: this.sandbox.s3Url, region, ...this.sandbox.s3Keys };
  }

  store(options: VolumeStoreOptions = {}, access: Partial<S3Access> = {}): VolumeStore {
    const timing = { ...quick, ...options.timing };
    const store = new VolumeStore({ ...this.access, ...access }, this.volume, { ...options, timing });
    this.#stores.push(store);
    return store;
  }

  async source(name: string, content: Buffer): Promise<UploadSource> {
    const file = path.join(this.folder, name);
    await writeFile(file, content);
    return sourceOf(file, sha256(content));
  }

  /** The files of a project folder of this machine. */
  async hashed(root: string): Promise<HashedFile[]> {
    const { files } = await scan(root, { must: ['**'], data: [], optional: [], never: [] });
    return hashFiles(files, path.join(this.folder, 'hashes.json'));
  }

  /** Uploads that lie unfinished on the volume. */
  async unfinished(): Promise<string[]> {
    return readdir(path.join(this.far, '.s3compat_uploads')).catch(() => []);
  }

  async close(): Promise<void> {
    await Promise.all(this.#stores.map((store) => store.close()));
    await this.sandbox.close();
    await rm(this.folder, { recursive: true, force: true });
  }
}

export function sha256(content: Buffer): string {
  return createHash('sha256').update(content).digest('hex');
}

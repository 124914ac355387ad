import { createHash, randomBytes } from 'node:crypto';
import { mkdir, open, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import * as z from 'zod';
import type { VolumeFiles } from './files.ts';
import { compareKeys, type Key } from './keys.ts';
import { asRefusal, noSuchUpload, Refusal } from './refusal.ts';

const record = z.object({ key: z.string(), initiated: z.string() });

export interface Upload {
  id: string;
  key: string;
  /** RFC 3339. */
  initiated: string;
}

export interface Part {
  number: number;
  /** Without quotes. */
  etag: string;
  size: number;
  modified: Date;
}

const recordName = 'upload.json';

/** Multipart uploads of a volume: a folder each below `.s3compat_uploads`, a file for each part. */
export class Uploads {
  readonly #files: VolumeFiles;
  /** Uploads that are being put together; nobody finds them any more. */
  readonly #completing = new Set<string>();

  constructor(files: VolumeFiles) {
    this.#files = files;
  }

  /** Begins an upload; returns its id. */
  async create(key: Key): Promise<string> {
    const id = randomBytes(16).toString('hex');
    await this.#files.amongUploads(true, async (uploads) => {
      await mkdir(`${uploads}/${id}`);
      const value = { key: key.text, initiated: new Date().toISOString() };
      await writeFile(`${uploads}/${id}/${recordName}`, JSON.stringify(value));
    });
    return id;
  }

  /** Writes a part, in place of an older one of its number; returns its ETag. */
  putPart(id: string, key: Key, number: number, body: AsyncIterable<Buffer>): Promise<string> {
    return this.#inUpload(id, key, async (folder) => {
      const temporary = `${folder}/${randomBytes(8).toString('hex')}.tmp`;
      try {
        const file = await open(temporary, 'wx');
        const etag = await this.#files.write(file, body, true).finally(() => file.close());
        const old = (await partNames(folder)).filter((one) => one.number === number && one.etag !== etag);
        await rename(temporary, `${folder}/${String(number)}-${etag}`);
        for (const one of old) await rm(`${folder}/${one.name}`, { force: true });
        return etag;
      } catch (error) {
        await rm(temporary, { force: true });
        throw error;
      }
    });
  }

  /** Parts that are there, by number. */
  parts(id: string, key: Key): Promise<Part[]> {
    return this.#inUpload(id, key, readParts);
  }

  /**
   * Puts the named parts together under the key and ends the upload; returns the ETag.
   *
   * @param wanted numbers and ETags in ascending order
   * @param held waits as long as the work takes on a bad day
   */
  async complete(
    id: string,
    key: Key,
    wanted: readonly Pick<Part, 'number' | 'etag'>[],
    held: () => Promise<void>,
  ): Promise<string> {
    const etag = await this.#inUpload(id, key, async (folder) => {
      this.#completing.add(id);
      try {
        const parts = await readParts(folder);
        if (wanted.some(({ number }, at) => at > 0 && number <= (wanted[at - 1]?.number ?? 0))) {
          throw new Refusal(400, 'InvalidPartOrder', 'The list of parts was not in ascending order.');
        }
        if (wanted.some((one) => !parts.some(({ number, etag }) => number === one.number && etag === one.etag))) {
          throw new Refusal(400, 'InvalidPart', 'One or more of the specified parts could not be found.');
        }
        await held();
        const names = wanted.map((one) => `${folder}/${String(one.number)}-${one.etag}`);
        const etag = `${digestOf(wanted)}-${String(wanted.length)}`;
        return await this.#files.stage(key, async (file) => {
          for (const name of names) {
            const part = await open(name);
            await this.#files.write(file, part.createReadStream({ highWaterMark: 1 << 18 }), false);
          }
          return etag;
        });
      } catch (error) {
        this.#completing.delete(id);
        throw error;
      }
    });
    await this.#remove(id);
    this.#completing.delete(id);
    return etag;
  }

  async abort(id: string, key: Key): Promise<void> {
    await this.#inUpload(id, key, () => Promise.resolve());
    await this.#remove(id);
  }

  /** All unfinished uploads, by key and time. */
  async list(): Promise<Upload[]> {
    const found = await this.#files
      .amongUploads(false, async (uploads) => {
        const ids = (await readdir(uploads)).filter((id) => isId(id) && !this.#completing.has(id));
        return Promise.all(ids.map((id) => readUpload(`${uploads}/${id}`, id)));
      })
      .catch((): undefined[] => []);
    return found
      .flatMap((one) => one ?? [])
      .sort((a, b) => compareKeys(a.key, b.key) || compareKeys(a.initiated, b.initiated));
  }

  async #inUpload<T>(id: string, key: Key, use: (folder: string) => Promise<T>): Promise<T> {
    if (!isId(id) || this.#completing.has(id)) throw noSuchUpload();
    try {
      return await this.#files.amongUploads(false, async (uploads) => {
        const folder = `${uploads}/${id}`;
        const upload = await readUpload(folder, id);
        if (upload?.key !== key.text) throw noSuchUpload();
        return use(folder);
      });
    } catch (error) {
      throw asRefusal(error, noSuchUpload);
    }
  }

  async #remove(id: string): Promise<void> {
    await this.#files.amongUploads(false, (uploads) =>
      rm(`${uploads}/${id}`, { recursive: true, force: true, maxRetries: 3 }),
    );
  }
}

const isId = (id: string): boolean => /^[0-9a-f]{32}$/.test(id);

async function readUpload(folder: string, id: string): Promise<Upload | undefined> {
  const text = await readFile(`${folder}/${recordName}`, 'utf8').catch(() => undefined);
  if (text === undefined) return undefined;
  try {
    return { id, ...record.parse(JSON.parse(text)) };
  } catch {
    return undefined;
  }
}

async function partNames(folder: string): Promise<{ name: string; number: number; etag: string }[]> {
  const names = await readdir(folder);
  return names.flatMap((name) => {
    const [, number, etag] = /^(\d+)-([0-9a-f]{32})$/.exec(name) ?? [];
    return number === undefined || etag === undefined ? [] : [{ name, number: Number(number), etag }];
  });
}

async function readParts(folder: string): Promise<Part[]> {
  const names = await partNames(folder);
  const parts = await Promise.all(
    names.map(async ({ name, number, etag }) => {
      const { size, mtime } = await stat(`${folder}/${name}`);
      return { number, etag, size, modified: mtime };
    }),
  );
  return parts.sort((a, b) => a.number - b.number);
}

/** MD5 over the parts' MD5s, as S3 names what was put together. */
function digestOf(parts: readonly { etag: string }[]): string {
  const hash = createHash('md5');
  for (const { etag } of parts) hash.update(Buffer.from(etag, 'hex'));
  return hash.digest('hex');
}

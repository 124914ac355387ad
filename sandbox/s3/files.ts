import { createHash, randomBytes } from 'node:crypto';
import { constants, rmdirSync, type Stats } from 'node:fs';
import { lstat, open, readdir, rename, rm, rmdir, type FileHandle } from 'node:fs/promises';
import { ETags } from './etags.ts';
import { inFolder } from './folders.ts';
import { uploadsFolder, type Key } from './keys.ts';
import { asRefusal, badArgument, noSuchKey } from './refusal.ts';
import { Usage } from './usage.ts';

const { O_NOFOLLOW, O_NONBLOCK, O_RDONLY } = constants;

/** What is under a key. `file` is open for reading, undefined for a folder; whoever asked closes it. */
export interface Found {
  size: number;
  modified: Date;
  /** Without quotes. */
  etag: string;
  file: FileHandle | undefined;
}

const emptyMd5 = createHash('md5').digest('hex');
const stagedPrefix = 'put-';

/** A volume's directory as a store of keys. Links are not followed: what is behind one is not there. */
export class VolumeFiles {
  readonly root: string;
  readonly etags = new ETags();
  readonly usage: Usage;
  /** Operations at this moment that need the folder of unfinished uploads. */
  #busy = 0;

  /** @param capacity bytes that fit into the volume at this moment */
  constructor(root: string, capacity: () => number) {
    this.root = root;
    this.usage = new Usage(root, capacity);
  }

  /** Throws `NoSuchKey` when nothing is there, or something that is neither file nor folder. */
  async find(key: Key): Promise<Found> {
    try {
      if (key.folder)
        return await inFolder(this.root, key.segments, false, async (path) => folder(await lstat(`${path}/.`)));
      return await this.#inParent(key, false, async (path) => {
        const file = await open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
        try {
          const stats = await file.stat();
          if (!stats.isFile()) throw noSuchKey();
          return { size: stats.size, modified: stats.mtime, etag: await this.etags.of(stats, file), file };
        } catch (error) {
          await file.close();
          throw error;
        }
      });
    } catch (error) {
      throw asRefusal(error);
    }
  }

  /** What `find` tells, without opening a file whose ETag is known. */
  async describe(key: Key): Promise<Omit<Found, 'file'>> {
    if (!key.folder) {
      const stats = await this.#inParent(key, false, (path) => lstat(path)).catch(() => undefined);
      const etag = stats?.isFile() === true ? this.etags.known(stats) : undefined;
      if (stats !== undefined && etag !== undefined)
        return { size: stats.size, modified: stats.mtime, etag: await etag };
    }
    const found = await this.find(key);
    await found.file?.close();
    return found;
  }

  /** Writes a body and puts it under the key when it is whole; returns its ETag. */
  async put(key: Key, body: AsyncIterable<Buffer>): Promise<string> {
    if (key.folder) return this.#makeFolder(key, body);
    return this.stage(key, (file) => this.write(file, body, true));
  }

  async #makeFolder(key: Key, body: AsyncIterable<Buffer>): Promise<string> {
    for await (const chunk of body) {
      if (chunk.length > 0) throw badArgument('A key that ends with a slash is a folder and has no content.');
    }
    try {
      return await inFolder(this.root, key.segments, true, () => Promise.resolve(emptyMd5));
    } catch (error) {
      throw asRefusal(error, notAFolder);
    }
  }

  /** Copies a body into an open file in room that the volume has; returns its MD5. */
  async write(file: FileHandle, body: AsyncIterable<Buffer>, counted: boolean): Promise<string> {
    const hash = createHash('md5');
    for await (const chunk of body) {
      if (counted) await this.usage.take(chunk.length);
      hash.update(chunk);
      await file.writeFile(chunk);
    }
    return hash.digest('hex');
  }

  /** Fills a file out of sight and moves it under the key; returns the ETag that `fill` tells. */
  async stage(key: Key, fill: (file: FileHandle) => Promise<string>): Promise<string> {
    return this.amongUploads(true, async (uploads) => {
      const staged = `${uploads}/${stagedPrefix}${randomBytes(8).toString('hex')}`;
      try {
        const file = await open(staged, 'wx');
        let etag: string;
        let stats: Stats;
        try {
          etag = await fill(file);
          stats = await file.stat();
        } finally {
          await file.close();
        }
        await this.#inParent(key, true, (path) => rename(staged, path));
        this.etags.remember(stats, etag);
        return etag;
      } catch (error) {
        await rm(staged, { force: true });
        throw asRefusal(error, notAFolder);
      }
    });
  }

  /** Calls `use` with the path of the folder of unfinished uploads, which goes when it is empty afterwards. */
  async amongUploads<T>(make: boolean, use: (uploads: string) => Promise<T>): Promise<T> {
    this.#busy += 1;
    try {
      return await inFolder(this.root, [uploadsFolder], make, use);
    } catch (error) {
      throw make ? asRefusal(error, notAFolder) : error;
    } finally {
      this.#busy -= 1;
      if (this.#busy === 0) this.#removeIfEmpty();
    }
  }

  #removeIfEmpty(): void {
    try {
      // Synchronous, so that nobody begins to use it meanwhile.
      rmdirSync(`${this.root}/${uploadsFolder}`);
    } catch {
      // It is not empty, or was never made.
    }
  }

  /** Removes what a killed sandbox left of bodies that were on their way. Unfinished uploads stay, as they are kept. */
  async clean(): Promise<void> {
    await this.amongUploads(false, async (uploads) => {
      const names = (await readdir(uploads)).filter((name) => name.startsWith(stagedPrefix));
      await Promise.all(names.map((name) => rm(`${uploads}/${name}`, { force: true, recursive: true })));
    }).catch(() => undefined);
  }

  /** Removes a file, or a folder that is empty; what is not there is no error. */
  async remove(key: Key): Promise<void> {
    try {
      await this.#inParent(key, false, async (path) => {
        if (key.folder) await rmdir(path);
        else if ((await lstat(path)).isFile()) await rm(path);
      });
    } catch (error) {
      const { code = '' } = error as NodeJS.ErrnoException;
      if (!['ENOENT', 'ENOTDIR', 'ELOOP', 'ENOTEMPTY'].includes(code)) throw asRefusal(error);
    }
  }

  /** Calls `use` with a path of the key's last name in a folder that cannot lead elsewhere. */
  #inParent<T>(key: Key, make: boolean, use: (path: string) => Promise<T>): Promise<T> {
    const name = key.segments.at(-1) ?? '';
    return inFolder(this.root, key.segments.slice(0, -1), make, (path) => use(`${path}/${name}`));
  }
}

/** `EISDIR` and the like: something else has a name of the key. */
const notAFolder = () => badArgument('A part of the key is a file, or the key is a folder.');

function folder(stats: Stats): Found {
  return { size: 0, modified: stats.mtime, etag: emptyMd5, file: undefined };
}

import { constants } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { appendFile, open, rm } from 'node:fs/promises';
import type { SftpSession } from '../../ssh/index.ts';
import type { RemoteFile as OpenFile } from '../../ssh/sftp.ts';
import { readAhead } from '../../ssh/window.ts';
import type { Download, Downloads, RemoteFile } from './local-incoming.ts';
import { mismatch } from './local-incoming.ts';
import { endsAll } from '../failures.ts';
import { sha256Of } from '../../files/hash.ts';
import { writeAll } from '../../files/write-all.ts';
import type { Lanes } from './connections.ts';
import { overLanes } from './connections.ts';
import type { Range } from '../../files/ranges.ts';
import { journalLine, missing } from '../../files/ranges.ts';

/** Opens for writing at any place, keeps what is there, and never through a link (Windows knows no such option). */
const openPart = constants.O_RDWR | constants.O_CREAT | ((constants as { O_NOFOLLOW?: number }).O_NOFOLLOW ?? 0);

/**
 * Fetches files in ranges, each written where it belongs in the file's part. A range that is here is noted in a journal
 * beside it, and a later fetch of the same content goes on from there.
 */
export async function fetchRanges(
  downloads: Downloads,
  files: readonly Download[],
  lanes: Lanes,
  rangeBytes: number,
): Promise<void> {
  const work = files.map((download) => new RangedDownload(downloads, download, rangeBytes));
  try {
    // One that has all its ranges still is verified and gets its name.
    const tasks = work.flatMap((download) =>
      download.ranges.map((range) => (session: SftpSession) => download.get(session, range)),
    );
    await overLanes(lanes, tasks);
  } finally {
    await Promise.all(work.map((download) => download.release()));
  }
}

class RangedDownload {
  readonly ranges: readonly Range[];
  readonly #downloads: Downloads;
  readonly #file: RemoteFile;
  readonly #remote = new Map<SftpSession, Promise<OpenFile>>();
  #part: Promise<FileHandle> | undefined;
  #left: number;
  #failed = false;

  constructor(downloads: Downloads, { file, have }: Download, rangeBytes: number) {
    this.#downloads = downloads;
    this.#file = file;
    const ranges = missing(file.size, have, rangeBytes);
    this.ranges = ranges.length > 0 ? ranges : [[file.size, file.size]];
    this.#left = this.ranges.length;
  }

  /** Fetches one range. Rejects only with what ends all. */
  async get(session: SftpSession, range: Range): Promise<void> {
    if (this.#failed) {
      return;
    }
    try {
      await this.#get(session, range);
      this.#left -= 1;
      if (this.#left === 0) {
        await this.#finish();
      }
    } catch (error) {
      this.#fail(error);
    }
  }

  #fail(error: unknown): void {
    const known = this.#failed;
    this.#failed ||= !endsAll(error);
    if (!known) {
      this.#downloads.fail(this.#file, error);
    }
  }

  /** Closes what is open. */
  async release(): Promise<void> {
    const remote = [...this.#remote];
    this.#remote.clear();
    for (const [session, opening] of remote) {
      await opening.then((file) => session.closeFile(file)).catch(() => undefined);
    }
    const part = this.#part;
    this.#part = undefined;
    await (await part?.catch(() => undefined))?.close();
  }

  async #get(session: SftpSession, range: Range): Promise<void> {
    const { options, incoming } = this.#downloads;
    this.#part ??= open(incoming.part(this.#file), openPart, 0o600);
    const part = await this.#part;
    const source = await this.#open(session);
    const readAt = (position: number, length: number): Promise<Buffer> => session.readAt(source, position, length);
    for await (const { position, data } of readAhead(readAt, range, options.signal)) {
      if (this.#failed) {
        return;
      }
      await writeAll(part, data, position);
      this.#downloads.moved(this.#file, data.length);
    }
    await appendFile(incoming.journal(this.#file), journalLine(range), { mode: 0o600 });
  }

  #open(session: SftpSession): Promise<OpenFile> {
    const known = this.#remote.get(session);
    if (known !== undefined) {
      return known;
    }
    const opening = session.open(`${this.#downloads.options.root}/${this.#file.path}`, 'read');
    this.#remote.set(session, opening);
    return opening;
  }

  async #finish(): Promise<void> {
    const { incoming, options } = this.#downloads;
    const place = incoming.part(this.#file);
    await (await this.#part)?.truncate(this.#file.size);
    await this.release();
    const seen = await sha256Of(place, options.signal);
    if (seen !== this.#file.sha256) {
      await incoming.discard(this.#file);
      throw mismatch(this.#file, seen);
    }
    this.#downloads.place(this.#file, place);
    await rm(incoming.journal(this.#file), { force: true });
  }
}

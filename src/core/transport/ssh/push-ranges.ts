import type { FileHandle } from 'node:fs/promises';
import { open } from 'node:fs/promises';
import { throwIfCancelled } from '../../errors.ts';
import type { RemoteFile } from '../../ssh/sftp.ts';
import type { SftpSession } from '../../ssh/index.ts';
import { chunkSize, Window } from '../../ssh/window.ts';
import { endsAll } from '../failures.ts';
import type { HashedFile } from '../../files/hash.ts';
import { fileChanged } from '../../files/hash.ts';
import type { Lanes } from './connections.ts';
import { overLanes } from './connections.ts';
import { isAsHashed } from './push-stream.ts';
import type { Range } from '../../files/ranges.ts';
import { journalLine, missing } from '../../files/ranges.ts';
import type { Upload, Uploads } from './push-state.ts';
import { isFull } from './push-state.ts';

/** The two files that hold one content at the far end until it is whole: its bytes, and which ranges are there. */
interface Part {
  data: RemoteFile;
  journal: RemoteFile;
}

/**
 * Sends files in ranges, each written where it belongs in `incoming/<sha256>.part`. A range that the far end has
 * acknowledged is noted in a journal beside it, so another client, another pod or another day goes on from there: only
 * the ranges that were open are sent twice. A journal and not the length of the part, because with several connections
 * the length says nothing about what is before it.
 */
export async function pushRanges(
  uploads: Uploads,
  files: readonly Upload[],
  lanes: Lanes,
  rangeBytes: number,
): Promise<void> {
  const work = files.map((upload) => new RangedUpload(uploads, upload, rangeBytes));
  const tasks = work.flatMap((upload) =>
    upload.ranges.map((range) => (session: SftpSession) => upload.send(session, range)),
  );
  try {
    await overLanes(lanes, tasks);
  } catch (error) {
    if (isFull(error) && lanes.sessions[0] !== undefined) {
      const [session] = lanes.sessions;
      await Promise.all(work.map((upload) => upload.giveUp(session)));
    }
    throw error;
  } finally {
    await Promise.all(work.map((upload) => upload.release()));
  }
}

class RangedUpload {
  readonly ranges: readonly Range[];
  readonly #uploads: Uploads;
  readonly #file: HashedFile;
  readonly #parts = new Map<SftpSession, Promise<Part>>();
  #local: Promise<FileHandle> | undefined;
  #left: number;
  #failed = false;

  constructor(uploads: Uploads, { file, have }: Upload, rangeBytes: number) {
    this.#uploads = uploads;
    this.#file = file;
    this.ranges = missing(file.size, have, rangeBytes);
    this.#left = this.ranges.length;
    if (this.#left === 0) {
      uploads.done(file);
    }
  }

  /** Sends one range. Rejects only with what ends all; what is wrong with this file alone is noted. */
  async send(session: SftpSession, range: Range): Promise<void> {
    if (this.#failed) {
      return;
    }
    try {
      await this.#send(session, range);
      this.#left -= 1;
      if (this.#left === 0) {
        await this.#finish();
      }
    } catch (error) {
      await this.#fail(session, error);
    }
  }

  /** Closes what is open. */
  async release(): Promise<void> {
    const parts = [...this.#parts];
    this.#parts.clear();
    for (const [session, opening] of parts) {
      const part = await opening.catch(() => undefined);
      if (part !== undefined) {
        await Promise.allSettled([session.closeFile(part.data), session.closeFile(part.journal)]);
      }
    }
    const local = this.#local;
    this.#local = undefined;
    await (await local?.catch(() => undefined))?.close();
  }

  /** Removes a part that was begun here and is not whole, for it takes the room that others need. */
  async giveUp(session: SftpSession): Promise<void> {
    if (this.#left > 0 && this.#parts.size > 0) {
      await this.#discard(session);
    }
  }

  async #discard(session: SftpSession): Promise<void> {
    this.#failed = true;
    await this.release();
    const name = `${this.#uploads.incoming}/${this.#file.sha256}`;
    await Promise.allSettled([session.remove(`${name}.part`), session.remove(`${name}.ranges`)]);
  }

  async #send(session: SftpSession, [start, end]: Range): Promise<void> {
    const { signal } = this.#uploads.options;
    this.#local ??= this.#openLocal();
    const local = await this.#local;
    const { data, journal } = await this.#part(session);
    const window = new Window();
    for (let position = start; position < end && !this.#failed;) {
      throwIfCancelled(signal);
      const buffer = Buffer.allocUnsafe(Math.min(chunkSize, end - position));
      const { bytesRead } = await local.read(buffer, 0, buffer.length, position);
      if (bytesRead === 0) {
        throw fileChanged(this.#file.path);
      }
      const writing = session.writeAt(data, buffer.subarray(0, bytesRead), position);
      await window.add(
        writing.then(() => this.#uploads.moved(this.#file, bytesRead)),
        signal,
      );
      position += bytesRead;
    }
    await window.end(signal);
    if (!this.#failed) {
      await session.writeAt(journal, Buffer.from(journalLine([start, end])), 0);
    }
  }

  async #openLocal(): Promise<FileHandle> {
    const local = await open(this.#file.absolute, 'r');
    if (!isAsHashed(this.#file, local.fd)) {
      await local.close();
      throw fileChanged(this.#file.path);
    }
    return local;
  }

  #part(session: SftpSession): Promise<Part> {
    const name = `${this.#uploads.incoming}/${this.#file.sha256}`;
    if (this.#failed) {
      // What was discarded must not come back.
      return Promise.reject(fileChanged(this.#file.path));
    }
    const known = this.#parts.get(session);
    if (known !== undefined) {
      return known;
    }
    const opening = Promise.all([
      session.open(`${name}.part`, 'update'),
      session.open(`${name}.ranges`, 'append'),
    ]).then(([data, journal]) => ({ data, journal }));
    this.#parts.set(session, opening);
    return opening;
  }

  /** All ranges are there. Errors of closing count, for there a network disk may report lost writes. */
  async #finish(): Promise<void> {
    const local = await this.#local;
    if (local !== undefined && !isAsHashed(this.#file, local.fd)) {
      throw fileChanged(this.#file.path);
    }
    for (const [session, opening] of [...this.#parts]) {
      this.#parts.delete(session);
      const part = await opening;
      await Promise.all([session.closeFile(part.data), session.closeFile(part.journal)]);
    }
    await this.release();
    this.#uploads.done(this.#file);
  }

  async #fail(session: SftpSession, error: unknown): Promise<void> {
    const known = this.#failed;
    const cause = await this.#uploads.cause(error);
    // What ends all leaves the part for the next time.
    if (!endsAll(cause)) {
      await this.#discard(session);
      throwIfCancelled(this.#uploads.options.signal);
    }
    if (endsAll(cause)) {
      throw cause;
    }
    if (!known) {
      this.#uploads.fail(this.#file, cause);
    }
  }
}

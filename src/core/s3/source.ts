import type { Stats } from 'node:fs';
import { open, stat, type FileHandle } from 'node:fs/promises';
import path from 'node:path';
import { messageOf, UserError } from '../errors.ts';

/** A file of this machine whose content is known, as `hashFiles` answers it. */
export interface UploadSource {
  /** How it is called in errors. */
  path: string;
  absolute: string;
  size: number;
  mtimeMs: number;
  ino: number;
  sha256: string;
}

export function sourceChanged(source: Pick<UploadSource, 'path'>): UserError {
  return new UserError('file-changed', {
    what: `${source.path} changed while it was sent.`,
    why: 'Something on this machine is still writing it, or has removed it.',
    next: 'Wait until it is complete and start again. What was on the volume before is still there.',
  });
}

function isSame(source: UploadSource, stats: Stats): boolean {
  return stats.isFile() && stats.size === source.size && stats.mtimeMs === source.mtimeMs && stats.ino === source.ino;
}

/** An open source, which notices when the file changes under it. */
export class OpenSource {
  readonly source: UploadSource;
  readonly handle: FileHandle;

  private constructor(source: UploadSource, handle: FileHandle) {
    this.source = source;
    this.handle = handle;
  }

  /** Rejects with `file-changed` when it is not the file that was hashed, `file-unreadable` when it cannot be read. */
  static async open(source: UploadSource): Promise<OpenSource> {
    let handle: FileHandle;
    try {
      handle = await open(source.absolute, 'r');
    } catch (error) {
      const gone = (error as NodeJS.ErrnoException).code === 'ENOENT';
      throw new UserError(
        'file-unreadable',
        {
          what: `${source.path} cannot be read.`,
          why: gone ? 'It is gone.' : messageOf(error),
          next: 'Check that it still exists and its permissions.',
        },
        { cause: error },
      );
    }
    try {
      if (!isSame(source, await handle.stat())) {
        throw sourceChanged(source);
      }
      return new OpenSource(source, handle);
    } catch (error) {
      await handle.close();
      throw error;
    }
  }

  /** Rejects with `file-changed` when anything touched the file since it was opened, or another took its place. */
  async check(): Promise<void> {
    const there = await stat(this.source.absolute).catch(() => undefined);
    if (there === undefined || !isSame(this.source, there) || !isSame(this.source, await this.handle.stat())) {
      throw sourceChanged(this.source);
    }
  }

  async close(): Promise<void> {
    await this.handle.close();
  }
}

/** The source for a file that was not scanned. */
export async function sourceOf(absolute: string, sha256: string): Promise<UploadSource> {
  const { size, mtimeMs, ino } = await stat(absolute);
  return { path: path.basename(absolute), absolute, size, mtimeMs, ino, sha256 };
}

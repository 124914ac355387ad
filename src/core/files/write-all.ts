import type { FileHandle } from 'node:fs/promises';

/** Writes bytes at a place of a file. A disk that becomes full takes the first of them and refuses the next ones. */
export async function writeAll(file: FileHandle, bytes: Buffer, at: number): Promise<void> {
  for (let done = 0; done < bytes.length;) {
    done += (await file.write(bytes, done, bytes.length - done, at + done)).bytesWritten;
  }
}

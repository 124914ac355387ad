import { byteText } from '../../core/words/index.ts';
import type { Amount, VolumeEntry } from '../../core/volumes/browse/pod-tree.ts';
import type { Report } from '../common/progress.ts';

export interface FileState {
  /** Bytes. */
  size: number;
  /** Unix time in seconds. */
  modified: number;
  kind: 'file' | 'folder';
}

/** The files of one volume, whichever way they are reached. Paths are relative to the volume; `''` is the volume. */
export interface FileSource {
  /** One folder, folders first; `more` counts what was left out. */
  list(path: string): Promise<{ entries: VolumeEntry[]; more: number }>;
  stat(path: string): Promise<FileState>;
  /** A whole file. Rejects with `file-too-large` above `most` bytes, before any of it has travelled. */
  read(path: string, most: number): Promise<Buffer>;
  /** Brings a file to a path of this machine, where it appears as a whole. */
  download(path: string, target: string, signal: AbortSignal, report: Report): Promise<void>;
  /** Puts files of this machine into a folder, and replaces those of the same names. Answers their bytes. */
  upload(paths: readonly string[], folder: string, signal: AbortSignal, report: Report): Promise<number>;
  /** How much a file has, or a folder with everything in it. */
  measure(path: string, signal: AbortSignal): Promise<Amount>;
  /** Deletes a file, or a folder with everything in it. Answers what is gone. */
  remove(path: string, signal: AbortSignal, report: Report): Promise<Amount>;
}

/** `1.2 MB of 9.0 MB` and the percentage, for a progress message. */
export function bytesText(bytes: number, total: number): [message: string, percent: number] {
  return [`${byteText(bytes)} of ${byteText(total)}`, total === 0 ? 0 : (bytes / total) * 100];
}

import type { TransferProgress } from '../progress.ts';
import type { RemoteFiles } from './worker-files.ts';

export interface FetchOptions extends RemoteFiles {
  /** Patterns of the project file, relative to `root`. */
  patterns: readonly string[];
  /** Folder of this machine that gets the files under their relative names; made when it is not there. */
  into: string;
  onProgress?: ((progress: TransferProgress) => void) | undefined;
  signal?: AbortSignal | undefined;
  /** Connections for data at most; 3 unless told. More than one is used only for much data over a long way. */
  concurrency?: number | undefined;
  /** Files below this many bytes come as one stream, the others in ranges; 8 MiB unless told. */
  streamBelow?: number | undefined;
  /** Bytes of a range, the most of a large file that comes twice after a cut for each range under way; 16 MiB. */
  rangeBytes?: number | undefined;
}

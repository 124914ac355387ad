import { limits } from '../../contract.ts';
import type { HashedFile } from '../../files/hash.ts';
import type { Leaving } from '../../files/leaving.ts';
import type { TransferProgress } from '../progress.ts';
import type { RemoteFiles } from './worker-files.ts';

export interface PushOptions extends RemoteFiles {
  files: readonly Leaving<HashedFile>[];
  onProgress?: ((progress: TransferProgress) => void) | undefined;
  signal?: AbortSignal | undefined;
  /** Connections for data at most; 3 unless told. More than one is used only for much data over a long way. */
  concurrency?: number | undefined;
  /**
   * Which files are replaced that somebody changed at the far end since they were put there, and that are different here
   * too: `always` all of them, for a job must run on the files of this machine; a set those paths, and any other rejects
   * with PushConflicts before anything is sent. `always` unless told.
   */
  overwrite?: 'always' | ReadonlySet<string> | undefined;
  /** Files below this many bytes go as one stream, the others in ranges; 8 MiB unless told. */
  streamBelow?: number | undefined;
  /** Bytes of a range, the most of a large file that is sent twice after a cut for each range under way; 16 MiB. */
  rangeBytes?: number | undefined;
}

export const streamBelow = 8 * 1024 * 1024;
export const rangeBytes = limits.pieceBytes;

import type { FetchInto } from '../fetching.ts';
import type { RemoteFiles } from './worker-files.ts';

export interface FetchOptions extends RemoteFiles, FetchInto {
  /** Connections for data at most; 3 unless told. More than one is used only for much data over a long way. */
  concurrency?: number | undefined;
  /** Files below this many bytes come as one stream, the others in ranges; 8 MiB unless told. */
  streamBelow?: number | undefined;
  /** Bytes of a range, the most of a large file that comes twice after a cut for each range under way; 16 MiB. */
  rangeBytes?: number | undefined;
}

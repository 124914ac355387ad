import type { SyncList } from '../../files/scan.ts';
import type { Ignored } from '../../files/excluded.ts';
import type { Route } from './route.ts';
import type { SecretFinding } from '../../files/secrets.ts';
import type { LeftOut } from '../../words/index.ts';

/** What the engine put on the volume: the content of `.runpod-trainer/files.json` there. */
export type ManifestFiles = Record<string, { size: number; sha256: string; mtime: string }>;

/** A file as it is at the far end now; `mtime` is ISO 8601. */
export interface FarFile {
  size: number;
  mtime: string;
  /** Known when the worker there has read it. */
  sha256?: string | undefined;
}

/** What is known of the volume when a plan is made. */
export interface FarState {
  /** Asked there now, a copy from the last transfer of this machine, or not known at all. */
  kind: 'volume' | 'last-known' | 'nothing';
  /** When it was so, ISO 8601; null when nothing is known. */
  at: string | null;
  files: ManifestFiles;
  /** What lies there now for paths that were looked at (see `pathsToLookAt`); null for a path where nothing is. */
  actual?: Record<string, FarFile | null> | undefined;
}

/**
 * Asks the far end, without starting anything that costs money. `lookAt` tells, for the manifest that was found there,
 * the paths whose present state decides something: their answers go into `actual`.
 */
export type AskFar = (
  signal: AbortSignal | undefined,
  lookAt: (manifest: ManifestFiles) => string[],
) => Promise<FarState>;

export interface PlannedFile {
  path: string;
  /** In bytes. */
  size: number;
  list: SyncList;
  /** `unknown`: nobody could say what the volume has; what is there already will not be sent again. */
  why: 'new' | 'changed' | 'unknown';
}

/** Changed on both sides, or in the way of a file that somebody else put there: sent only when the user says so. */
export interface Conflict {
  path: string;
  here: { size: number; mtime: string };
  there: { size: number; mtime: string };
  /** A sentence. */
  why: string;
}

export interface Totals {
  files: number;
  bytes: number;
}

/**
 * What a transfer would do, as a plain value: the same for the command line, the editor and the engine. Nothing in it
 * depends on the order in which a disk lists files.
 */
export interface TransferPlan {
  schema: 1;
  project: string;
  /** `id` is null before the volume exists. */
  volume: { id: string | null; name: string; dataCenter: string | null };
  route: Route;
  /** Sorted by path, like every list of paths here. */
  send: PlannedFile[];
  unchanged: Totals;
  conflicts: Conflict[];
  /** Asked for, put there by the engine, and unchanged since. */
  deletes: string[];
  archives: { to: string; files: number; bytes: number }[];
  wasteAvoided: { bytes: number; estimate: true; basis: string };
  secrets: SecretFinding[];
  /** Entries of the project file that match nothing; `madeBy` is the local step that makes the files. */
  missing: { list: string; pattern: string; madeBy: string | null }[];
  ignored: Ignored[];
  /** Links and the like that a list names and that are not sent; `notes` says it in sentences. */
  leftOut: LeftOut[];
  notes: string[];
  /** What is sent. */
  totals: Totals;
  time: TimeEstimate;
  comparedWith: { kind: FarState['kind']; at: string | null };
}

export interface TimeEstimate {
  lowSeconds: number;
  highSeconds: number;
  /** A sentence. */
  basis: string;
}

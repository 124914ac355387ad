import type { HashedFile } from '../../files/hash.ts';
import type { SyncList } from '../../files/scan.ts';
import type { Ignored } from '../../files/excluded.ts';
import type { Route } from './route.ts';
import type { FarFile, ManifestFiles } from '../../transport/far-file.ts';
import type { SecretFinding } from '../../files/secrets.ts';
import type { LeftOut } from '../../words/index.ts';

export type { FarFile, ManifestFiles };

/** What is known of the volume when a plan is made. */
export interface FarState {
  /** Asked there now, a copy from the last transfer of this machine, or not known at all. */
  kind: 'volume' | 'last-known' | 'nothing';
  /** When it was so, ISO 8601; null when nothing is known. */
  at: string | null;
  files: ManifestFiles;
  /** What lies there now for paths that were looked at; null for a path where nothing is. */
  actual?: Record<string, FarFile | null> | undefined;
}

/**
 * Asks the far end, without starting anything that costs money, about what was put there and about these files: what is
 * there now goes into `actual`.
 */
export type AskFar = (signal: AbortSignal | undefined, files: readonly HereFile[]) => Promise<FarState>;

/** A file of this machine, as far as the far end has to know it. */
export type HereFile = Pick<HashedFile, 'path' | 'size'>;

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

/** A file that a transfer put there, that is unchanged there, and that is not part of the project here any more. */
export interface Ghost {
  path: string;
  /** In bytes. */
  size: number;
  kind: 'code' | 'data';
  /** What a job does about it: sets it aside for some days, stops until somebody has decided, or leaves it. */
  then: 'set-aside' | 'ask' | 'keep';
  /** A few words: what makes it data, or who said what. */
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
  /** Changed there and not here, so left as they are. */
  left?: string[] | undefined;
  /** Asked for, put there by the engine, and unchanged since. */
  deletes: string[];
  /** Put there and unchanged, but not part of the project any more, and not deleted: what a job does about each. */
  ghosts: Ghost[];
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

import type { HashedFile } from '../../files/hash.ts';
import type { Conflict, FarFile, FarState, ManifestFiles, PlannedFile, Totals } from './types.ts';

export interface Comparison {
  send: PlannedFile[];
  unchanged: Totals;
  conflicts: Conflict[];
  deletes: string[];
  notes: string[];
}

/** Times at the far end may be told in whole seconds, in milliseconds. */
const timeTolerance = 2000;

/**
 * Paths whose state at the far end decides something, given what the engine put there: those that would be replaced or
 * put there, and with `deletes` those that would be deleted. Asking about these alone is enough for `FarState.actual`.
 */
export function pathsToLookAt(files: readonly HashedFile[], manifest: ManifestFiles, deletes: boolean): string[] {
  const here = new Set(files.map((file) => file.path));
  const differing = files.filter((file) => entry(manifest, file.path)?.sha256 !== file.sha256).map((file) => file.path);
  const gone = deletes ? Object.keys(manifest).filter((path) => !here.has(path)) : [];
  return [...differing, ...gone].sort();
}

/** Compares this machine's files with the far end. `files` are sorted by path. */
export function compare(files: readonly HashedFile[], far: FarState, deletes: boolean): Comparison {
  const result: Comparison = {
    send: [],
    unchanged: { files: 0, bytes: 0 },
    conflicts: [],
    deletes: [],
    notes: [],
  };
  for (const file of files) {
    compareFile(file, far, result);
  }
  if (deletes) {
    const here = new Set(files.map((file) => file.path));
    for (const path of Object.keys(far.files).sort()) {
      if (!here.has(path)) {
        compareDelete(path, far, result);
      }
    }
  }
  return result;
}

function compareFile(file: HashedFile, far: FarState, result: Comparison): void {
  const put = entry(far.files, file.path);
  const there = far.actual === undefined ? undefined : entry(far.actual, file.path);
  const same =
    there === null || far.kind === 'nothing'
      ? false
      : there?.sha256 === undefined
        ? put?.sha256 === file.sha256 && (there === undefined || !changedThere(put, there))
        : there.sha256 === file.sha256;
  if (same) {
    result.unchanged.files += 1;
    result.unchanged.bytes += file.size;
    return;
  }
  if (there != null && changedThere(put, there)) {
    if (put?.sha256 === file.sha256) {
      result.notes.push(`${file.path} was changed on the volume and not here; it is left as it is there.`);
      return;
    }
    result.conflicts.push({
      path: file.path,
      here: { size: file.size, mtime: new Date(file.mtimeMs).toISOString() },
      there: { size: there.size, mtime: there.mtime },
      why:
        put === undefined
          ? 'Something else put a file of this name on the volume.'
          : 'It was changed here and on the volume since the last transfer.',
    });
    return;
  }
  const why = far.kind === 'nothing' ? 'unknown' : put === undefined || there === null ? 'new' : 'changed';
  result.send.push({ path: file.path, size: file.size, list: file.list, why });
}

function compareDelete(path: string, far: FarState, result: Comparison): void {
  const there = far.actual === undefined ? undefined : entry(far.actual, path);
  if (there === null) {
    return;
  }
  if (there !== undefined && changedThere(entry(far.files, path), there)) {
    result.notes.push(`${path} is not part of the project any more, but was changed on the volume; it is not deleted.`);
    return;
  }
  result.deletes.push(path);
}

/** Whether what lies there is not what the engine put there. */
function changedThere(put: ManifestFiles[string] | undefined, there: FarFile): boolean {
  if (put === undefined) {
    return true;
  }
  if (there.sha256 !== undefined) {
    return there.sha256 !== put.sha256;
  }
  const apart = Math.abs(Date.parse(there.mtime) - Date.parse(put.mtime));
  return there.size !== put.size || !(apart < timeTolerance);
}

/** Only the record's own entries: a file may be named `constructor`. */
function entry<T>(record: Record<string, T>, path: string): T | undefined {
  return Object.hasOwn(record, path) ? record[path] : undefined;
}

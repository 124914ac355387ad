import type { HashedFile } from '../../files/hash.ts';
import { own } from '../../json.ts';
import { isAsPut, judgeFile, type FarFile } from '../../transport/far-file.ts';
import type { Conflict, FarState, PlannedFile, Totals } from './types.ts';

export interface Comparison {
  send: PlannedFile[];
  unchanged: Totals;
  conflicts: Conflict[];
  /** Changed there and not here. */
  left: string[];
  notes: string[];
}

/** Compares this machine's files with the far end. `files` are sorted by path. */
export function compare(files: readonly HashedFile[], far: FarState): Comparison {
  const result: Comparison = {
    send: [],
    unchanged: { files: 0, bytes: 0 },
    conflicts: [],
    left: [],
    notes: [],
  };
  for (const file of files) {
    compareFile(file, far, result);
  }
  return result;
}

function compareFile(file: HashedFile, far: FarState, result: Comparison): void {
  const put = own(far.files, file.path);
  const there = thereNow(file.path, far);
  const verdict = far.kind === 'nothing' ? 'send' : judgeFile(file, put, there);
  if (verdict === 'same') {
    result.unchanged.files += 1;
    result.unchanged.bytes += file.size;
  } else if (verdict === 'far') {
    result.left.push(file.path);
    result.notes.push(`${file.path} was changed on the volume and not here; it is left as it is there.`);
  } else if (verdict === 'send' || there === null) {
    const why = far.kind === 'nothing' ? 'unknown' : put === undefined || there === null ? 'new' : 'changed';
    result.send.push({ path: file.path, size: file.size, list: file.list, why });
  } else {
    result.conflicts.push({
      path: file.path,
      here: { size: file.size, mtime: new Date(file.mtimeMs).toISOString() },
      there: { size: there.size, mtime: there.mtime },
      why:
        verdict === 'unknown'
          ? 'Something else put a file of this name on the volume.'
          : 'It was changed here and on the volume since the last transfer.',
    });
  }
}

/** What is there; where nobody looked, what was put there. */
function thereNow(path: string, { files, actual = {} }: FarState): FarFile | null {
  const there = own(actual, path);
  return there === undefined ? (own(files, path) ?? null) : there;
}

/** What became of a file that was put there. */
export function stateOf(path: string, far: FarState): 'as-put' | 'changed' | 'gone' {
  const put = own(far.files, path);
  const there = thereNow(path, far);
  if (put === undefined || there === null) {
    return 'gone';
  }
  return isAsPut(put, there) ? 'as-put' : 'changed';
}

import * as z from 'zod';
import { isSameTime } from '../s3/index.ts';

/** What a transfer put under a path: `mtime` is the file's time at the far end afterwards, `list` what named it here. */
export const putSchema = z.object({
  size: z.number(),
  sha256: z.string(),
  mtime: z.string(),
  list: z.enum(['must', 'data', 'optional']).optional().catch(undefined),
});
export type PutFile = z.infer<typeof putSchema>;

/** What a transfer put there: the content of `.runpod-trainer/files.json`. */
export type ManifestFiles = Record<string, PutFile>;

/** A file as it is at the far end now. */
export interface FarFile {
  size: number;
  /** ISO 8601; empty where nobody tells it. */
  mtime: string;
  /** Known when somebody there has read it. */
  sha256?: string | undefined;
}

type Content = Pick<PutFile, 'size' | 'sha256'>;

/**
 * What is to be done about a file of this machine. `far`: it changed there only; `both`: here and there; `unknown`: what
 * lies there was not put there by a transfer.
 */
export type FileVerdict = 'same' | 'send' | 'far' | 'both' | 'unknown';

/** The one comparison of all routes: content decides, and where it was not read size and time. `there` is null where nothing is. */
export function judgeFile(here: Content, put: PutFile | undefined, there: FarFile | null): FileVerdict {
  if (there === null) {
    return 'send';
  }
  const isSame =
    there.sha256 === undefined
      ? put?.sha256 === here.sha256 && put.size === here.size && isAsPut(put, there)
      : there.sha256 === here.sha256;
  if (isSame) {
    return 'same';
  }
  if (put === undefined) {
    return 'unknown';
  }
  if (isAsPut(put, there)) {
    return 'send';
  }
  return put.sha256 === here.sha256 ? 'far' : 'both';
}

/** Whether what lies there is what the transfer put there. */
export function isAsPut(put: PutFile, there: FarFile): boolean {
  return there.sha256 === undefined
    ? there.size === put.size && isSameTime(new Date(there.mtime), new Date(put.mtime))
    : there.sha256 === put.sha256;
}

/** Whether only its content tells what is to be done: its size is right, its time is not. */
export function mustBeRead(here: { size: number } | undefined, put: PutFile | undefined, there: FarFile): boolean {
  const isSure = there.sha256 !== undefined || (put !== undefined && isAsPut(put, there));
  return !isSure && (there.size === here?.size || there.size === put?.size);
}

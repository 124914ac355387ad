import * as z from 'zod';
import { UserError } from '../../errors.ts';
import { callFiles, type RemoteFiles } from './worker-files.ts';

const roomSchema = z.object({ error: z.string().nullable() });

/**
 * The error for a full volume when that of the project is full, else undefined. It is tried out, because the file
 * protocol reports a full disk as a plain failure and free space as told by the system ignores the volume's quota.
 */
export async function fullVolume(
  remote: RemoteFiles,
  folder: string,
  signal: AbortSignal | undefined,
): Promise<UserError | undefined> {
  const answers = await callFiles(remote, 'room', [], roomSchema, signal).catch((error: unknown) => {
    if (error instanceof UserError && error.code.startsWith('worker-')) {
      return [];
    }
    throw error;
  });
  const reason = answers[0]?.error;
  return reason === 'ENOSPC' || reason === 'EDQUOT' ? volumeFull(reason, folder) : undefined;
}

export function volumeFull(reason: 'ENOSPC' | 'EDQUOT', folder: string): UserError {
  return new UserError('volume-full', {
    what: 'The volume is full.',
    why: `Writing to ${folder} fails with ${reason === 'EDQUOT' ? 'the quota exceeded' : 'no space left'} (${reason}). A network volume also counts about 64 KB for every small file.`,
    next: 'Delete what is not needed on the volume, or enlarge it (a volume can grow, never shrink), and start again; what arrived is not sent twice.',
  });
}

import { UserError } from '../../errors.ts';
import type { SshConnection } from '../../ssh/index.ts';

/** Writes 4 MiB below the folder, removes them, and prints the name of the error if there was one. */
const probe = `
import errno, os, sys, tempfile
try:
    with tempfile.TemporaryFile(dir=sys.argv[1]) as f:
        f.write(b"x" * (4 << 20))
        f.flush()
        os.fsync(f.fileno())
except OSError as e:
    print(errno.errorcode.get(e.errno, str(e.errno)))
`;

/**
 * The error for a full volume when the folder's volume is full, else undefined. It is tried out, because the file
 * protocol reports a full disk as a plain failure and free space as told by the system ignores the volume's quota.
 */
export async function fullVolume(
  connection: SshConnection,
  python: string,
  folder: string,
  signal: AbortSignal | undefined,
): Promise<UserError | undefined> {
  const { stdout } = await connection.exec([python, '-c', probe, folder], { signal });
  const reason = stdout.toString().trim();
  if (reason !== 'ENOSPC' && reason !== 'EDQUOT') {
    return undefined;
  }
  return volumeFull(reason, folder);
}

export function volumeFull(reason: 'ENOSPC' | 'EDQUOT', folder: string): UserError {
  return new UserError('volume-full', {
    what: 'The volume is full.',
    why: `Writing to ${folder} fails with ${reason === 'EDQUOT' ? 'the quota exceeded' : 'no space left'} (${reason}). A network volume also counts about 64 KB for every small file.`,
    next: 'Delete what is not needed on the volume, or enlarge it (a volume can grow, never shrink), and start again; what arrived is not sent twice.',
  });
}

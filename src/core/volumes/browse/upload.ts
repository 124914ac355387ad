import { randomBytes } from 'node:crypto';
import path from 'node:path';
import type { SshConnection } from '../../ssh/index.ts';
import { placeFile, type VolumePlace } from './browse.ts';

/**
 * Puts one file of this machine into a folder of a volume through a pod, under its own name; replaces a file that is
 * there, and only as a whole, after its sha256 was seen at the far end.
 */
export async function uploadFile(
  connection: SshConnection,
  folder: VolumePlace,
  file: { path: string; sha256: string },
  options: { signal: AbortSignal; onBytes: (bytes: number) => void },
): Promise<void> {
  const name = path.basename(file.path);
  const below = (last: string): string => (folder.path === '' ? last : `${folder.path}/${last}`);
  const temporary = below(`.${randomBytes(6).toString('hex')}.part`);
  const sftp = await connection.sftp(options.signal);
  try {
    await sftp.put(file.path, `${folder.mount}/${temporary}`, options);
    await placeFile(connection, { mount: folder.mount, path: temporary }, name, file.sha256, options.signal);
  } catch (error) {
    // What arrived in part is in nobody's way for long; the link may be gone as well.
    await sftp.remove(`${folder.mount}/${temporary}`).catch(() => undefined);
    throw error;
  }
}

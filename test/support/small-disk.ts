import { userInfo } from 'node:os';

/**
 * Runs a command where `folder` is a disk of its own, of 8 MiB unless told, that only it sees; as an ordinary user still
 * as that user. `more` is done on it first.
 */
export function withSmallDisk(folder: string, more = 'true', options = 'size=8m'): string[] {
  const { uid, gid } = userInfo();
  const mount = ['-m', '--propagation', 'private', 'sh', '-c'];
  const script = (then: string): string => `mount -t tmpfs -o ${options} tmpfs "$0" && ${more} && ${then} "$@"`;
  return uid === 0
    ? ['unshare', ...mount, script('exec'), folder]
    : ['unshare', '-Ur', ...mount, script(`exec unshare -U --map-user=${uid} --map-group=${gid}`), folder];
}

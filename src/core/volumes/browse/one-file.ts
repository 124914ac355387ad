import { randomBytes } from 'node:crypto';
import { rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { UserError } from '../../errors.ts';
import { sha256Of } from '../../files/hash.ts';
import { mayLeave, type Leaving } from '../../files/leaving.ts';
import { sourceOf, type UploadOptions, type UploadSource, type VolumeStore } from '../../s3/index.ts';
import { placeFile, statPlace, type PodWithVolume, type VolumePlace } from './pod-tree.ts';
import { isPlainName, visibleName } from './names.ts';

/**
 * Brings one file of a volume to `target`, a path that the user chose; replaces what is there, and only as a whole.
 * Rejects with `unsafe-name` for a name that cannot be written as it is.
 */
export async function downloadFile(
  pod: PodWithVolume,
  place: VolumePlace,
  target: string,
  options: { signal: AbortSignal; onProgress: (bytes: number, total: number) => void },
): Promise<{ bytes: number }> {
  if (!isPlainName(place.path)) {
    throw new UserError('unsafe-name', {
      what: `${visibleName(place.path)} was not downloaded.`,
      why: 'Its name has characters that do not show, or that are not UTF-8.',
      next: 'Rename it on the pod first.',
    });
  }
  const { size } = await statPlace(pod, place, options.signal);
  const sftp = await pod.connection.sftp(options.signal);
  const temporary = path.join(path.dirname(target), `.${randomBytes(6).toString('hex')}.part`);
  let done = 0;
  try {
    const { bytes } = await sftp.get(`${place.mount}/${place.path}`, temporary, {
      signal: options.signal,
      onBytes: (more) => options.onProgress((done += more), size),
    });
    await rename(temporary, target);
    return { bytes };
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}

/** Files of this machine that the user chose, ready to be sent. Rejects with `secrets-found` too. */
export async function readToSend(
  paths: readonly string[],
  options: { signal: AbortSignal; onFile: (name: string) => void },
): Promise<Leaving<UploadSource>[]> {
  const sources: UploadSource[] = [];
  for (const file of paths) {
    options.onFile(path.basename(file));
    sources.push(await sourceOf(file, await sha256Of(file, options.signal)));
  }
  return mayLeave(sources, { signal: options.signal });
}

/** Puts one file of this machine into a folder of a volume over S3. Rejects as `VolumeStore.upload` does. */
export async function uploadToStore(
  store: VolumeStore,
  folder: string,
  file: Leaving<UploadSource>,
  options: UploadOptions,
): Promise<void> {
  await store.upload(file, folder === '' ? file.path : `${folder}/${file.path}`, options);
}

/**
 * Puts one file of this machine into a folder of a volume through a pod, under its own name; replaces a file that is
 * there, and only as a whole, after its sha256 was seen at the far end.
 */
export async function uploadFile(
  pod: PodWithVolume,
  folder: VolumePlace,
  file: Leaving<UploadSource>,
  options: { signal: AbortSignal; onBytes: (bytes: number) => void },
): Promise<void> {
  const name = path.basename(file.absolute);
  const below = (last: string): string => (folder.path === '' ? last : `${folder.path}/${last}`);
  const temporary = below(`.${randomBytes(6).toString('hex')}.part`);
  const sftp = await pod.connection.sftp(options.signal);
  try {
    await sftp.put(file.absolute, `${folder.mount}/${temporary}`, options);
    await placeFile(pod, { mount: folder.mount, path: temporary }, name, file.sha256, options.signal);
  } catch (error) {
    // What arrived in part is in nobody's way for long; the link may be gone as well.
    await sftp.remove(`${folder.mount}/${temporary}`).catch(() => undefined);
    throw error;
  }
}

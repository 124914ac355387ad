import { stat } from 'node:fs/promises';
import { basename } from 'node:path';
import { sha256Of } from '../../core/files/hash.ts';
import {
  listFolder,
  measurePlace,
  readWhole,
  removePlace,
  statPlace,
  type PodWithVolume,
} from '../../core/volumes/browse/pod-tree.ts';
import { downloadFile, uploadFile } from '../../core/volumes/browse/one-file.ts';
import { bytesText, type FileSource } from './file-source.ts';

/** A volume as a pod that runs with it sees it. */
export function podSource(pod: PodWithVolume, mount: string): FileSource {
  return {
    list: (path) => listFolder(pod, { mount, path }),
    stat: (path) => statPlace(pod, { mount, path }),
    read: (path, most) => readWhole(pod, { mount, path }, most),
    download: async (path, target, signal, report) => {
      const onProgress = (bytes: number, total: number): void => report(...bytesText(bytes, total));
      await downloadFile(pod, { mount, path }, target, { signal, onProgress });
    },
    upload: async (paths, folder, signal, report) => {
      const sizes = await Promise.all(paths.map(async (path) => (await stat(path)).size));
      const total = sizes.reduce((sum, size) => sum + size, 0);
      let done = 0;
      for (const path of paths) {
        const name = basename(path);
        report(`Reading ${name}…`);
        const file = { path, sha256: await sha256Of(path, signal) };
        const onBytes = (bytes: number): void => {
          const [message, percent] = bytesText((done += bytes), total);
          report(`${message} · ${name}`, percent);
        };
        await uploadFile(pod, { mount, path: folder }, file, { signal, onBytes });
      }
      return total;
    },
    measure: (path, signal) => measurePlace(pod, { mount, path }, signal),
    remove: (path, signal) => removePlace(pod, { mount, path }, signal),
  };
}

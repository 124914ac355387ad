import {
  listFolder,
  measurePlace,
  readWhole,
  removePlace,
  statPlace,
  type PodWithVolume,
} from '../../core/volumes/browse/pod-tree.ts';
import { downloadFile, readToSend, uploadFile } from '../../core/volumes/browse/one-file.ts';
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
      const files = await readToSend(paths, { signal, onFile: (name) => report(`Reading ${name}…`) });
      const total = files.reduce((sum, { size }) => sum + size, 0);
      let done = 0;
      for (const file of files) {
        const onBytes = (bytes: number): void => {
          const [message, percent] = bytesText((done += bytes), total);
          report(`${message} · ${file.path}`, percent);
        };
        await uploadFile(pod, { mount, path: folder }, file, { signal, onBytes });
      }
      return total;
    },
    measure: (path, signal) => measurePlace(pod, { mount, path }, signal),
    remove: (path, signal) => removePlace(pod, { mount, path }, signal),
  };
}

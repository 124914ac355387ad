import { stat } from 'node:fs/promises';
import { basename } from 'node:path';
import type { SshConnection } from '../../core/ssh/index.ts';
import { sha256Of } from '../../core/files/hash.ts';
import { listFolder, measurePlace, readWhole, removePlace, statPlace } from '../../core/volumes/browse/browse.ts';
import { downloadFile } from '../../core/volumes/browse/one-file.ts';
import { uploadFile } from '../../core/volumes/browse/one-file.ts';
import type { FileSource } from './file-source.ts';
import { movedText } from './moved.ts';

/** A volume as a pod that runs with it sees it. */
export function podSource(connection: SshConnection, mount: string): FileSource {
  return {
    list: (path) => listFolder(connection, { mount, path }),
    stat: (path) => statPlace(connection, { mount, path }),
    read: (path, most) => readWhole(connection, { mount, path }, most),
    download: async (path, target, signal, report) => {
      const onProgress = (bytes: number, total: number): void => report(...movedText(bytes, total));
      await downloadFile(connection, { mount, path }, target, { signal, onProgress });
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
          const [message, percent] = movedText((done += bytes), total);
          report(`${message} · ${name}`, percent);
        };
        await uploadFile(connection, { mount, path: folder }, file, { signal, onBytes });
      }
      return total;
    },
    measure: (path, signal) => measurePlace(connection, { mount, path }, signal),
    remove: (path, signal) => removePlace(connection, { mount, path }, signal),
  };
}

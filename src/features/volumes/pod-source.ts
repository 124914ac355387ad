import type { SshConnection } from '../../core/ssh/index.ts';
import { listFolder, readWhole, statPlace } from '../../core/volumes/browse.ts';
import { downloadFile } from '../../core/volumes/download.ts';
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
  };
}

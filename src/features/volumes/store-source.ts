import { join } from 'node:path';
import { UserError } from '../../core/errors.ts';
import { homeFolder } from '../../core/home/folder.ts';
import type { VolumeItem, VolumeStore } from '../../core/s3/index.ts';
import { readToSend, uploadToStore } from '../../core/volumes/browse/one-file.ts';
import { mostEntries, type VolumeEntry } from '../../core/volumes/browse/pod-tree.ts';
import { visibleName } from '../../core/volumes/browse/names.ts';
import { measureTree, removeTree } from '../../core/volumes/browse/store-tree.ts';
import type { Report } from '../common/progress.ts';
import { bytesText, type FileSource } from './file-source.ts';
import { count } from '../../core/words/index.ts';

/** A volume over S3, with no pod. Links do not show there: the service tells files and folders only. */
export function storeSource(store: VolumeStore): FileSource {
  return {
    list: async (path) => {
      const items = await store.list(path);
      const entries = items.slice(0, mostEntries).map(entryOf);
      return { entries, more: items.length - entries.length };
    },
    stat: async (path) => {
      const file = path === '' ? undefined : await store.head(path);
      if (file !== undefined) {
        return { size: file.size, modified: file.modified.getTime() / 1000, kind: 'file' };
      }
      if (path !== '' && (await store.list(path)).length === 0) {
        throw missing(path);
      }
      return { size: 0, modified: 0, kind: 'folder' };
    },
    read: async (path, most) => {
      const content = await store.read(path, { maxBytes: most });
      if (content === undefined) {
        throw missing(path);
      }
      return content;
    },
    download: async (path, target, signal, report) => {
      const file = await store.head(path, signal);
      if (file === undefined) {
        throw missing(path);
      }
      let done = 0;
      const onBytes = (bytes: number): void => report(...bytesText((done += bytes), file.size));
      await store.download(path, target, { signal, onBytes });
    },
    upload: (paths, folder, signal, report) => upload(store, paths, folder, signal, report),
    measure: (path, signal) => measureTree(store, path, signal),
    remove: (path, signal, report) => {
      const onFile = (done: number, total: number): void =>
        report(`${done} of ${count(total, 'file')}`, (done / total) * 100);
      return removeTree(store, path, { signal, onFile });
    },
  };
}

async function upload(
  store: VolumeStore,
  paths: readonly string[],
  folder: string,
  signal: AbortSignal,
  report: Report,
): Promise<number> {
  const sources = await readToSend(paths, { signal, onFile: (name) => report(`Reading ${name}…`) });
  const total = sources.reduce((sum, source) => sum + source.size, 0);
  const journal = join(homeFolder(), 'transfers');
  await store.abortStale(journal);
  let done = 0;
  for (const source of sources) {
    await uploadToStore(store, folder, source, {
      signal,
      journal,
      onBytes: (bytes) => {
        const [message, percent] = bytesText((done += bytes), total);
        report(`${message} · ${source.path}`, percent);
      },
    });
  }
  return total;
}

function entryOf({ name, kind, size, modified }: VolumeItem): VolumeEntry {
  return { name, kind, size, modified: (modified?.getTime() ?? 0) / 1000 };
}

function missing(path: string): UserError {
  return new UserError('volume-missing', {
    what: `${visibleName(path)} is not on the volume.`,
    next: 'Refresh the view; it may have been deleted meanwhile.',
  });
}

import { UserError } from '../../core/errors.ts';
import type { VolumeItem, VolumeStore } from '../../core/s3/index.ts';
import { mostEntries, type VolumeEntry } from '../../core/volumes/browse.ts';
import { visibleName } from '../../core/volumes/names.ts';
import type { FileSource } from './file-source.ts';
import { movedText } from './moved.ts';

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
      const onBytes = (bytes: number): void => report(...movedText((done += bytes), file.size));
      await store.download(path, target, { signal, onBytes });
    },
  };
}

function entryOf({ name, kind, size, modified }: VolumeItem): VolumeEntry {
  return { name, kind, size, modified: (modified?.getTime() ?? 0) / 1000 };
}

function missing(path: string): UserError {
  return new UserError('volume-read', {
    what: `${visibleName(path)} is not on the volume.`,
    next: 'Refresh the view; it may have been deleted meanwhile.',
  });
}

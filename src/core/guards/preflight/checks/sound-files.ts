import { byteText } from '../../../words/index.ts';
import { access, constants } from 'node:fs/promises';
import * as z from 'zod';
import type { Check } from '../check.ts';
import type { Facts } from '../facts.ts';
import type { Say } from '../finding.ts';
import { some } from '../text.ts';
import { messageOf } from '../../../errors.ts';
import { parseJson } from '../../../json.ts';
import type { LocalFile } from '../../../files/scan.ts';

const lfsPointer = 'version https://git-lfs.github.com/spec/';
/** Kinds of files that nothing can read when they are empty. */
const neverEmpty =
  /\.(json|parquet|arrow|feather|pt|pth|bin|safetensors|gguf|onnx|npy|npz|h5|hdf5|tar|gz|zip|zst|wav|flac|mp3|png|jpe?g)$/i;
/** Kinds that may be empty and seldom are; of a notebook that a step runs its own check tells. Others, such as markers and placeholders, mean something by being there. */
const seldomEmpty = /\.(csv|tsv|jsonl|ya?ml|txt|ipynb)$/i;
/** Pointers are small; larger files need not be opened for them. */
const largestPointer = 1024;
const mostOpened = 4000;
const mostShards = 2000;

const indexSchema = z.object({ weight_map: z.record(z.string(), z.string()) });

export const soundFiles: Check = {
  id: 'files',
  title: 'Files are whole and readable',
  run: async (facts, say) => {
    if (!facts.rentsPod) {
      return;
    }
    const { files, archives } = await facts.scan();
    const all = [...files, ...archives.flatMap((a) => a.files)];
    const report = (
      id: string,
      found: LocalFile[],
      what: (list: string) => string,
      why: string,
      next: string,
    ): void => {
      const [first] = found;
      if (first !== undefined) {
        say.error(id, { what: what(some(found.map((f) => f.path))), why, next, at: facts.place('sync', first.list) });
      }
    };
    report(
      'file-empty',
      all.filter((f) => f.size === 0 && neverEmpty.test(f.path)),
      (list) => `Empty: ${list}.`,
      'An interrupted download or a full disk leaves such files; a step that reads them fails on the paid pod.',
      'Make or download them again.',
    );
    const doubtful = all.filter((f) => f.size === 0 && seldomEmpty.test(f.path));
    if (doubtful[0] !== undefined) {
      say.warning('file-empty', {
        what: `Empty: ${some(doubtful.map((f) => f.path))}.`,
        why: 'An interrupted download or a full disk leaves such files.',
        next: 'Make or download them again, if they should hold something.',
        at: facts.place('sync', doubtful[0].list),
      });
    }
    report(
      'file-pointer',
      await pointers(facts, all),
      (list) => `Only a pointer of Git LFS, not the file itself: ${list}.`,
      'The repository was cloned without its large files.',
      'Run "git lfs pull" in the project.',
    );
    report(
      'file-unreadable',
      await unreadable(all),
      (list) => `Not readable for you: ${list}.`,
      'The upload would stop there.',
      'Change their permissions, or name them in "sync.never".',
    );
    await brokenWeights(facts, say, all);
    await missingShards(facts, say, all);
  },
};

/** An index or a name says which files a model has; what loads it wants them all. */
async function missingShards(facts: Facts, say: Say, files: LocalFile[]): Promise<void> {
  const there = new Set(files.map((f) => f.path));
  const wanted = new Map<string, LocalFile>();
  for (const file of files) {
    const folder = file.path.slice(0, file.path.lastIndexOf('/') + 1);
    if (/\.(safetensors|bin)\.index\.json$/.test(file.path)) {
      const index = indexSchema.safeParse(parseJson((await facts.read(file.path).catch(() => '')).toString()));
      for (const shard of Object.values(index.data?.weight_map ?? {})) {
        wanted.set(folder + shard, file);
      }
    }
    const [, stem = '', of = '', end = ''] =
      /^(.*)-\d{5}-of-(\d{5})(\.(?:safetensors|bin|gguf))$/.exec(file.path) ?? [];
    for (let n = 1; n <= Math.min(Number(of), mostShards); n++) {
      wanted.set(`${stem}-${String(n).padStart(5, '0')}-of-${of}${end}`, file);
    }
  }
  const missing = [...wanted].filter(([path]) => !there.has(path));
  const [first] = missing;
  if (first !== undefined) {
    say.warning('weights-incomplete', {
      what: `${some(missing.map(([path]) => path))} of the model of ${first[1].path} would not be uploaded.`,
      why: 'A model of several files loads only when all are there.',
      next: 'Download the missing files, or add them to the upload.',
      at: facts.place('sync', first[1].list),
    });
  }
}

async function pointers(facts: Facts, files: LocalFile[]): Promise<LocalFile[]> {
  const small = files.filter((f) => f.size > lfsPointer.length && f.size <= largestPointer).slice(0, mostOpened);
  const found: LocalFile[] = [];
  for (const file of small) {
    if ((await facts.head(file, lfsPointer.length).catch(() => '')) === lfsPointer) {
      found.push(file);
    }
  }
  return found;
}

async function unreadable(files: LocalFile[]): Promise<LocalFile[]> {
  const denied = await Promise.all(
    files.slice(0, mostOpened).map((f) =>
      access(f.absolute, constants.R_OK).then(
        () => undefined,
        () => f,
      ),
    ),
  );
  return denied.filter((f) => f !== undefined);
}

/** A safetensors file says at its beginning how long it must be. */
async function brokenWeights(facts: Facts, say: Say, files: LocalFile[]): Promise<void> {
  for (const file of files.filter((f) => f.size > 0 && f.path.endsWith('.safetensors'))) {
    const why = await weightsProblem(facts, file);
    if (why !== undefined) {
      say.error('weights-broken', {
        what: `${file.path} is damaged: ${why}.`,
        why: 'It cannot be loaded on the pod.',
        next: 'Make or download it again.',
        at: facts.place('sync', file.list),
      });
    }
  }
}

async function weightsProblem(facts: Facts, file: LocalFile): Promise<string | undefined> {
  try {
    const head = Buffer.from(await facts.head(file, 8), 'latin1');
    const length = head.length === 8 ? Number(head.readBigUInt64LE(0)) : NaN;
    if (!(length > 1 && length + 8 <= file.size && length < 100 << 20)) {
      return 'its header is not that of safetensors';
    }
    const header = Buffer.from(await facts.head(file, 8 + length), 'latin1').subarray(8);
    const tensors = JSON.parse(header.toString('utf8')) as Record<string, { data_offsets?: [number, number] }>;
    const end = Math.max(0, ...Object.values(tensors).map((t) => t.data_offsets?.[1] ?? 0));
    return 8 + length + end > file.size
      ? `it has ${byteText(file.size)} of ${byteText(8 + length + end)}, so a part is missing`
      : undefined;
  } catch (error) {
    return `its header cannot be read (${messageOf(error)})`;
  }
}

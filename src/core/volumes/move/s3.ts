import { createHash } from 'node:crypto';
import { mkdir, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import * as z from 'zod';
import { messageOf, throwIfCancelled, UserError } from '../../errors.ts';
import { countIs, firstNames } from '../../words/index.ts';
import { takeLock } from '../../files/lock.ts';
import { readIfThere, writeFileAtomic } from '../../files/atomic.ts';
import type { Installation } from '../../home/installation.ts';
import { parseJson } from '../../json.ts';
import type { Remedy } from '../../remedy.ts';
import type { Volume } from '../../runpod/schemas.ts';
import { isSameTime, type VolumeStore } from '../../s3/index.ts';
import { sha256Of } from '../../files/hash.ts';
import { inParallel } from '../../files/in-parallel.ts';
import { Meter } from '../../transport/progress.ts';
import { endsTransfer } from '../../transport/s3/push.ts';
import { openStore } from '../ask-volume.ts';
import type { Copy } from './copy.ts';
import type { Left } from './worker.ts';

const sentSchema = z.record(
  z.string(),
  z.object({ size: z.number(), sha256: z.string(), source: z.string(), target: z.string() }),
);
/** Key to what was moved: the file's times on both volumes (ISO 8601). */
type Sent = z.infer<typeof sentSchema>;

interface FarFile {
  key: string;
  size: number;
  modified: Date;
}

const lanes = 8;
const manifestName = /^projects\/[^/]+\/\.runpod-trainer\/files\.json$/;
const manifestSchema = z.looseObject({ files: z.record(z.string(), z.looseObject({ mtime: z.string() })) });
const mostBytes = 512 * 1024 * 1024;

/**
 * Moves a volume's files with no pod: each is brought to this machine, whole and checked, and put on the target, one
 * after the other, so that this machine needs room for the largest few. What was moved is noted, so a second move sends
 * only what changed. The records of transfers are given the times that the files have at the target.
 */
export async function moveOverS3(
  installation: Installation,
  { source, target }: { source: Volume; target: Volume },
  { onEvent, replace, signal }: Copy,
): Promise<{
  way: 's3';
  files: number;
  bytes: number;
  verified: 'size';
  sent: { files: number; bytes: number };
  left: Left[];
  cost: number;
}> {
  const folder = path.join(installation.home, 'moves', `${source.id}-${target.id}`);
  await mkdir(folder, { recursive: true });
  const unlock = await takeLock(path.join(folder, 'lock'), { signal });
  const from = await openStore(installation, source);
  const to = await openStore(installation, target);
  try {
    onEvent({ type: 'phase', phase: 'check', text: 'Listing both volumes' });
    const there = new Map((await listAll(to, signal)).map((file) => [file.key, file]));
    const all = await listAll(from, signal);
    const sent = new SentFiles(path.join(folder, 'sent.json'));
    await sent.load();
    const needed = all.filter((file) => !sent.isThere(file, there.get(file.key)));
    const strangers = needed.filter((file) => !replace && sent.isStranger(there.get(file.key)));
    refuseStrangers(strangers, { do: 'move', volume: source.id, to: target.id, replace: true, way: 's3' });
    // Records come last: they tell the times of files that are there by then.
    const ordered = [
      ...needed.filter((f) => !manifestName.test(f.key)),
      ...needed.filter((f) => manifestName.test(f.key)),
    ];
    const total = needed.reduce((sum, file) => sum + file.size, 0);
    const meter = new Meter(needed.length, total, (p) => onEvent({ type: 'transfer', direction: 'up', ...p }));
    const left: Left[] = [];
    const moveOne = async (file: FarFile): Promise<void> => {
      throwIfCancelled(signal);
      const local = path.join(folder, createHash('sha256').update(file.key).digest('hex').slice(0, 40));
      try {
        await from.download(file.key, local, { signal, resume: true });
        if (manifestName.test(file.key)) {
          await retime(local, file.key, sent);
        }
        const { size, mtimeMs, ino } = await stat(local);
        const sha256 = await sha256Of(local, signal);
        const upload = { path: file.key, absolute: local, size, mtimeMs, ino, sha256 };
        await to.upload(upload, file.key, {
          signal,
          journal: folder,
          onBytes: (bytes) => meter.moved(file.key, bytes),
        });
        const now = await to.head(file.key, signal);
        if (now?.size !== size) {
          throw new Error('It is not on the target with its full size.');
        }
        await sent.add(file, sha256, now.modified);
        meter.done(file.key);
      } catch (error) {
        throwIfCancelled(signal);
        if (endsTransfer(error)) {
          throw error;
        }
        left.push({ path: file.key, why: messageOf(error) });
      } finally {
        await rm(local, { force: true });
      }
    };
    try {
      await inParallel(
        ordered.filter((file) => !manifestName.test(file.key)),
        lanes,
        moveOne,
      );
      await inParallel(
        ordered.filter((file) => manifestName.test(file.key)),
        1,
        moveOne,
      );
    } finally {
      await sent.save();
    }
    const moved = all.filter(({ key }) => !left.some((item) => item.path === key));
    return {
      way: 's3',
      files: moved.length,
      bytes: moved.reduce((sum, file) => sum + file.size, 0),
      verified: 'size',
      sent: { files: needed.length - left.length, bytes: total },
      left,
      cost: 0,
    };
  } finally {
    await Promise.allSettled([from.close(), to.close()]);
    await unlock();
  }
}

/** Every file of a volume, one level at a time, without what a volume knows of itself alone. */
async function listAll(store: VolumeStore, signal: AbortSignal | undefined): Promise<FarFile[]> {
  const files: FarFile[] = [];
  let level = [''];
  while (level.length > 0) {
    const below: string[] = [];
    await inParallel(level, lanes, async (folder) => {
      for (const item of await store.list(folder, signal)) {
        const key = folder === '' ? item.name : `${folder}/${item.name}`;
        if (!isMoved(key)) {
          continue;
        }
        if (item.kind === 'folder') {
          below.push(key);
        } else {
          files.push({ key, size: item.size, modified: item.modified ?? new Date(0) });
        }
      }
    });
    level = below;
  }
  return files.sort((a, b) => (a.key < b.key ? -1 : 1));
}

function isMoved(key: string): boolean {
  return (
    !/^\.runpod-trainer\/(gateways|moves|pods)(\/|$)/.test(key) &&
    !/(^|\/)\.runpod-trainer\/(incoming|(worker-)?hashes\.json|files\.lock)(\/|$)/.test(key)
  );
}

/** What was moved before, kept on this machine. */
class SentFiles {
  readonly #file: string;
  #sent: Sent = {};
  #unsaved = 0;

  constructor(file: string) {
    this.#file = file;
  }

  async load(): Promise<void> {
    const text = await readIfThere(this.#file);
    this.#sent = text === undefined ? {} : (sentSchema.safeParse(parseJson(text)).data ?? {});
  }

  /** Whether the source has not changed since it was moved, nor the target since it was put there. */
  isThere(file: FarFile, there: FarFile | undefined): boolean {
    const known = this.#sent[file.key];
    return (
      known !== undefined &&
      there !== undefined &&
      !this.isStranger(there) &&
      known.size === file.size &&
      isSameTime(new Date(known.source), file.modified)
    );
  }

  /** Whether something is there that no move put there. */
  isStranger(there: FarFile | undefined): boolean {
    const known = there === undefined ? undefined : this.#sent[there.key];
    return there !== undefined && (known === undefined || !isSameTime(new Date(known.target), there.modified));
  }

  timeAtTarget(key: string): string | undefined {
    return this.#sent[key]?.target;
  }

  async add(file: FarFile, sha256: string, target: Date): Promise<void> {
    const { key, size, modified } = file;
    this.#sent[key] = { size, sha256, source: modified.toISOString(), target: target.toISOString() };
    this.#unsaved += 1;
    if (this.#unsaved >= 100) {
      await this.save();
    }
  }

  async save(): Promise<void> {
    this.#unsaved = 0;
    await writeFileAtomic(this.#file, JSON.stringify(this.#sent));
  }
}

function refuseStrangers(strangers: readonly FarFile[], remedy: Remedy): void {
  if (strangers.length > 0) {
    throw new UserError('move-conflicts', {
      what: `${countIs(strangers.length, 'name')} taken on the target volume by something else: ${firstNames(strangers.map(({ key }) => key))}.`,
      why: 'No move from this machine put it there. Nothing was sent.',
      next: 'Move it away, take another volume, or let the move replace it.',
      remedies: [remedy],
    });
  }
}

/** Gives the entries of a transfer's record the times of the target, by which changes are noticed later. */
async function retime(local: string, key: string, sent: SentFiles): Promise<void> {
  const text = await readIfThere(local);
  if (text === undefined || text.length > mostBytes) {
    return;
  }
  const parsed = manifestSchema.safeParse(parseJson(text));
  if (!parsed.success) {
    return;
  }
  const root = key.slice(0, key.indexOf('/.runpod-trainer/'));
  for (const [name, entry] of Object.entries(parsed.data.files)) {
    entry.mtime = sent.timeAtTarget(`${root}/${name}`) ?? entry.mtime;
  }
  await writeFileAtomic(local, JSON.stringify(parsed.data));
}

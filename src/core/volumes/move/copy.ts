import { byteText, count, countIs, firstNames } from '../../words/index.ts';
import { throwIfCancelled, UserError } from '../../errors.ts';
import type { OnEvent } from '../../journal/run-event.ts';
import { Meter } from '../../transport/progress.ts';
import { sendDirect, sendThrough, type Needed } from './send.ts';
import {
  commitEntries,
  listVolume,
  planEntries,
  type Entry,
  type FileEntry,
  type Left,
  type Planned,
  type VolumeEnd,
} from './worker.ts';

export interface Copy {
  sourceId: string;
  targetId: string;
  /** Replace what somebody else wrote at the target under the same names. */
  replace: boolean;
  onEvent: OnEvent;
  signal: AbortSignal | undefined;
}

/** What a copy over pods has reached; kept over broken links, so that nothing is read twice. */
export class CopyState {
  /** Everything on the source, once it was listed. */
  listing: { entries: Entry[]; unread: Left[] } | undefined;
  /** Why the source cannot reach the target; then the bytes go through this machine. */
  unreachable: string | undefined;
  sent = { files: 0, bytes: 0 };
  readonly failed = new Map<string, string>();
}

/** Lists the source, with what it takes told now and then: a large volume is read once for its hashes. */
export async function listSource(
  source: VolumeEnd,
  { onEvent, signal }: Copy,
): Promise<NonNullable<CopyState['listing']>> {
  onEvent({ type: 'phase', phase: 'check', text: 'Reading the source volume' });
  return listVolume(source, teller(onEvent, 'Read of the source volume'), signal);
}

/** Brings everything that is missing to the target and puts it in place. Begun anew it sends only what is missing. */
export async function copyOver(
  ends: { source: VolumeEnd; target: VolumeEnd },
  state: CopyState,
  direct: 'only' | 'first' | 'never',
  copy: Copy,
): Promise<void> {
  const { onEvent, signal } = copy;
  state.listing ??= await listSource(ends.source, copy);
  const { entries } = state.listing;
  onEvent({ type: 'phase', phase: 'check', text: 'Comparing with the target volume' });
  const plan = await planEntries(ends.target, copy.sourceId, entries, signal);
  refuseConflicts(plan, copy);
  for (const { path, error } of plan) {
    if (error !== undefined) {
      state.failed.set(path, error);
    }
  }
  const needed = neededOf(entries, plan);
  if (needed.length > 0) {
    await send(ends, needed, state, direct, copy);
  }
  throwIfCancelled(signal);
  onEvent({ type: 'phase', phase: 'transfer', text: 'Verifying at the target' });
  const named = entries.filter(({ path }) => !state.failed.has(path));
  for (const { path, why } of await commitEntries(ends.target, copy.sourceId, named, signal)) {
    state.failed.set(path, why);
  }
}

/** Compares both volumes; answers what differs, and what is the same in files and bytes. */
export async function compareVolumes(
  { source, target }: { source: VolumeEnd; target: VolumeEnd },
  state: CopyState,
  { onEvent, signal }: Copy,
): Promise<{ files: number; bytes: number; differs: string[] }> {
  onEvent({ type: 'phase', phase: 'check', text: 'Comparing both volumes' });
  const quiet = (): void => undefined;
  const [now, there] = await Promise.all([listVolume(source, quiet, signal), listVolume(target, quiet, signal)]);
  const found = new Map(there.entries.map((entry) => [entry.path, entry]));
  const differs: string[] = [];
  let files = 0;
  let bytes = 0;
  for (const entry of now.entries) {
    if (state.failed.has(entry.path)) {
      continue;
    }
    if (!isSame(entry, found.get(entry.path))) {
      differs.push(entry.path);
    } else if (entry.kind === 'file') {
      files += 1;
      bytes += entry.size;
    }
  }
  return { files, bytes, differs };
}

function isSame(one: Entry, other: Entry | undefined): boolean {
  if (one.kind === 'file') {
    return other?.kind === 'file' && one.sha256 === other.sha256 && one.size === other.size && one.mode === other.mode;
  }
  return one.kind === 'link' ? other?.kind === 'link' && one.target === other.target : other?.kind === 'folder';
}

/** Each missing content once. */
function neededOf(entries: readonly Entry[], plan: readonly Planned[]): Needed[] {
  const wanted = new Map(plan.filter(({ error }) => error === undefined).map((item) => [item.path, item]));
  const contents = new Map<string, Needed>();
  for (const entry of entries) {
    const item = wanted.get(entry.path);
    if (item !== undefined && entry.kind === 'file' && !contents.has(entry.sha256)) {
      contents.set(entry.sha256, { ...entry, have: item.have ?? [] });
    }
  }
  return [...contents.values()].filter((file) => lengthOf(file.have) < file.size || file.size === 0);
}

function lengthOf(ranges: readonly [number, number][]): number {
  return ranges.reduce((sum, [start, end]) => sum + end - start, 0);
}

function refuseConflicts(plan: readonly Planned[], { sourceId, targetId, replace }: Copy): void {
  // A folder where a file should be is never replaced.
  const refused = plan.filter(({ conflict }) => conflict !== undefined && !(replace && conflict === 'file'));
  if (refused.length > 0) {
    throw new UserError('move-conflicts', {
      what: `${countIs(refused.length, 'name')} taken on the target volume by something else: ${firstNames(refused.map(({ path }) => path))}.`,
      why: 'No move from this volume put it there. Nothing was sent.',
      next: 'Move it away, take another volume, or let the move replace it, which it does with files only.',
      remedies: replace ? [] : [{ do: 'move', volume: sourceId, to: targetId, replace: true }],
    });
  }
}

async function send(
  ends: { source: VolumeEnd; target: VolumeEnd },
  needed: readonly Needed[],
  state: CopyState,
  direct: 'only' | 'first' | 'never',
  { sourceId, targetId, onEvent, signal }: Copy,
): Promise<void> {
  const left = new Map(needed.map((file) => [file.sha256, { file, bytes: file.size - lengthOf(file.have) }]));
  const total = [...left.values()].reduce((sum, { bytes }) => sum + bytes, 0);
  const meter = new Meter(needed.length, total, (progress) =>
    onEvent({ type: 'transfer', direction: 'up', ...progress }),
  );
  const sending = {
    ...ends,
    needed,
    onBytes: (sha256: string, bytes: number) => {
      const item = left.get(sha256);
      if (item !== undefined) {
        item.bytes -= bytes;
        state.sent.bytes += bytes;
        meter.moved(item.file.path, bytes);
        if (item.bytes <= 0) {
          state.sent.files += 1;
          meter.done(item.file.path);
        }
      }
    },
    onFailed: (sha256: string, why: string) => {
      const file = left.get(sha256)?.file;
      for (const entry of state.listing?.entries ?? []) {
        if (entry.kind === 'file' && entry.sha256 === file?.sha256) {
          state.failed.set(entry.path, why);
        }
      }
    },
    signal,
  };
  if (direct !== 'never' && state.unreachable === undefined) {
    onEvent({ type: 'phase', phase: 'transfer', text: 'From pod to pod' });
    state.unreachable = await sendDirect(sending);
    if (state.unreachable === undefined) {
      return;
    }
    if (direct === 'only') {
      throw new UserError('move-unreachable', {
        what: 'The pod at the source cannot reach the one at the target.',
        why: `Seen from the source, ${state.unreachable}.`,
        next: 'Let the bytes go through this machine.',
        remedies: [{ do: 'move', volume: sourceId, to: targetId, way: 'this-machine' }],
      });
    }
    onEvent({
      type: 'warning',
      text: `The pods cannot reach each other (seen from the source, ${state.unreachable}); the bytes go through this machine.`,
    });
  }
  onEvent({ type: 'phase', phase: 'transfer', text: 'From pod to pod through this machine' });
  await sendThrough(sending);
}

const tellEvery = 5_000;

function teller(onEvent: OnEvent, what: string): (file: FileEntry) => void {
  let files = 0;
  let bytes = 0;
  let told = performance.now();
  return ({ size }) => {
    files += 1;
    bytes += size;
    if (performance.now() - told > tellEvery) {
      told = performance.now();
      onEvent({ type: 'phase', phase: 'check', text: `${what}: ${count(files, 'file')}, ${byteText(bytes)}` });
    }
  };
}

import { byteText } from '../../../words/index.ts';
import type { Check } from '../check.ts';

/** Writes begin to fail a little before the size that RunPod states. */
const usableShare = 0.94;
/** What a volume takes for any file, however small. */
const smallestFile = 65_536;

export const volumeSpace: Check = {
  id: 'volume-space',
  title: 'Space on the volume',
  run: async (facts, say) => {
    const { account, options, project } = facts;
    if (!facts.rentsPod) {
      return;
    }
    const [{ files, archives }, plan] = await Promise.all([facts.scan(), account.volumePlan().catch(() => undefined)]);
    const sizeGb = plan === undefined ? project.target.volume.size : plan.exists ? plan.volume.size : plan.size;
    if (sizeGb === undefined) {
      say.unknown('The size of the volume is not known.');
      return;
    }
    const single = files.reduce((sum, f) => sum + Math.max(f.size, smallestFile), 0);
    const packed = archives.flatMap((a) => a.files).reduce((sum, f) => sum + f.size + 1024, 0);
    const upload = single + packed;
    const room = sizeGb * 1e9 * usableShare;
    const exists = plan?.exists === true;
    const used = exists ? (options.volumeUse?.bytes ?? 0) : 0;
    // What is used may be an earlier upload of the same files, so use alone proves nothing until it leaves no room.
    const full = exists && used > room;
    const next = exists
      ? `Enlarge the volume to ${suggested(upload)} GB or more (it cannot shrink again), or upload less.`
      : `Set "target.volume.size" to ${suggested(upload)} or more before the volume is created.`;
    if (upload > room) {
      const largest = files.reduce((a, b) => (b.size > a.size ? b : a), files[0] ?? { path: '', size: 0 });
      say.error('volume-too-small', {
        what: `The upload takes ${byteText(upload)}, but the volume has ${sizeGb} GB. The largest file is ${largest.path} (${byteText(largest.size)}).`,
        why: 'A full volume stops the upload, or the training in the middle of writing a checkpoint.',
        next,
        at: facts.place('target', 'volume', exists ? 'name' : 'size'),
        fix:
          plan?.exists === true
            ? {
                title: 'Enlarge the volume',
                command: 'grow-volume',
                args: { volume: plan.volume.id, size: suggested(upload) },
              }
            : {
                title: `Set the size to ${suggested(upload)} GB`,
                command: 'set-value',
                args: { path: ['target', 'volume', 'size'], value: suggested(upload) },
              },
      });
    } else if (full || (exists && used + upload > room && options.volumeUse !== undefined)) {
      say.warning('volume-nearly-full', {
        what: `${byteText(used)} of ${sizeGb} GB were in use at ${options.volumeUse?.time ?? 'the last look'}, and the upload takes up to ${byteText(upload)}.`,
        why: 'Files of an earlier upload are counted twice here, so it may just fit; a full volume breaks checkpoints.',
        next: 'Delete what is not needed on the volume, or enlarge it.',
        at: facts.place('target', 'volume', 'name'),
      });
    }
    if (exists && options.volumeUse === undefined) {
      say.unknown('What is in use on the volume is not known: RunPod does not tell, and nobody has counted yet.');
    }
  },
};

/** Twice the data in GB, rounded up to tens. */
function suggested(bytes: number): number {
  return Math.max(10, Math.ceil((bytes * 2) / 1e10) * 10);
}

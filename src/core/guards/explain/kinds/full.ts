import { lastHit, shown } from '../lines.ts';
import type { Change, Detector, Facts, Finding } from '../types.ts';

/** The worker's own sentence; it writes on the volume only. */
const workerFull = /^The volume cannot be written: .*(it is full|No space left|quota exceeded)/i;
/** EDQUOT is how a network volume says that it is full; the container's disk has no quota. */
const quota = [/Disk quota exceeded/i, /\[Errno 122\]/, /\bEDQUOT\b/];
/** ENOSPC; what writes model files says it in words of its own (torch's zip writer, safetensors, parquet). */
const space = [
  /No space left on device/i,
  /\[Errno 28\]/,
  /\bENOSPC\b/,
  /There is not enough space on the disk/i,
  /StorageFull/,
  /PytorchStreamWriter failed writing file/,
];

/** The network volume is full. */
export const volumeFull: Detector = {
  kind: 'volume-full',
  detect: (facts) => {
    const said = facts.reasons.find((r) => workerFull.test(r));
    const hit = lastHit(facts.lines, ...quota) ?? onVolume(facts);
    if (said === undefined && hit === undefined) {
      return undefined;
    }
    return volumeFinding(facts, said === undefined ? (hit?.at ?? 0) : Infinity, said ?? shown(hit?.line ?? ''));
  },
};

/** "No space left" about a path below the volume's mount. */
function onVolume(facts: Facts): { at: number; line: string } | undefined {
  const hit = lastHit(facts.lines, ...space);
  return hit !== undefined && placeOf(hit.line, facts) === 'volume' ? hit : undefined;
}

function placeOf(line: string, { evidence: { mount = '/workspace' } }: Facts): 'volume' | 'disk' | 'unknown' {
  const path = /['"`](\/[^'"`]+)['"`]/.exec(line)?.[1] ?? /(?:^|\s)(\/[^\s:]+)/.exec(line)?.[1];
  if (path === undefined) {
    return 'unknown';
  }
  return path === mount || path.startsWith(`${mount}/`) ? 'volume' : 'disk';
}

function volumeFinding({ evidence }: Facts, at: number, line: string): Finding {
  const { project, volumeGb } = evidence;
  const name = project?.target.volume.name ?? 'of the project';
  const to = volumeGb === undefined ? undefined : Math.min(4096, 2 * volumeGb);
  const change: Change | null =
    volumeGb === undefined || to === undefined || to <= volumeGb
      ? null
      : {
          path: null,
          from: volumeGb,
          to,
          text: `Grow the volume ${name} from ${volumeGb} to ${to} GB; a volume can grow, never shrink.`,
        };
  return {
    at,
    what: `The volume ${name} is full.`,
    evidence: [line, ...(volumeGb === undefined ? [] : [`size of the volume: ${volumeGb} GB`])],
    why: 'Writes to a volume fail shortly before its size is reached, and every small file takes about 64 KB of it.',
    next: `${change?.text ?? 'Grow the volume.'} Or delete old checkpoints and results on it.`,
    change,
  };
}

/** The container's own disk is full: caches, temporary files, packages. */
export const diskFull: Detector = {
  kind: 'disk-full',
  detect: (facts) => {
    const hit = lastHit(facts.lines, ...space);
    if (hit === undefined || facts.reasons.some((r) => workerFull.test(r)) || placeOf(hit.line, facts) === 'volume') {
      return undefined;
    }
    const { project } = facts.evidence;
    const from = project?.target.disk;
    const now = from ?? (project?.target.cpu === undefined ? 40 : 20);
    // Small CPU pods are refused with more than 30 GB.
    const to = project?.target.cpu === undefined ? 2 * now : Math.min(30, 2 * now);
    const change: Change | null =
      project === undefined || to <= now
        ? null
        : {
            path: ['target', 'disk'],
            from: from ?? null,
            to,
            text: `Give the pod ${to} GB of container disk in place of ${now} GB.`,
          };
    const sure = placeOf(hit.line, facts) === 'disk';
    return {
      at: hit.at,
      what: sure ? "The pod's container disk is full." : "A disk of the pod is full, most likely the container's.",
      evidence: [shown(hit.line)],
      why: 'Caches (such as ~/.cache/huggingface), temporary files and packages lie on the container disk; a full volume says "Disk quota exceeded".',
      next: `${change?.text ?? 'Give the pod more container disk ("target.disk").'} Or let caches lie on the volume, for example with HF_HOME.`,
      change,
    };
  },
};

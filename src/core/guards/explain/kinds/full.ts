import { lastHit, shown, type Hit } from '../lines.ts';
import type { Change, Detector, Facts, Finding } from '../types.ts';

/** The worker's own sentence; it writes on the volume only. */
const workerFull = /^The volume cannot be written: .*(it is full|No space left|quota exceeded)/i;
/** EDQUOT is how a network volume says that it is full; the container's disk has no quota. */
const quota = [
  /Disk quota exceeded/i,
  /\[Errno 122\]/,
  /\bEDQUOT\b/,
  /os error 122/,
  /^(?!.*\b(?:https?|API|requests?|rate|tokens?|billing|googleapis|metric|429|403)\b).*\bquota exceeded\b/i,
];
/** ENOSPC; what writes model files says it in words of its own (torch's zip writer, safetensors, parquet). */
const space = [
  /No space left on device/i,
  /\[Errno 28\]/,
  /\bENOSPC\b/,
  /There is not enough space on the disk/i,
  /StorageFull/,
];
/** torch's writer does not say why it could not write on. */
const unsaid = [
  /PytorchStreamWriter failed writing file/,
  /\[enforce fail at inline_container\.cc:\d+\] \. unexpected pos/,
  /basic_ios::clear: iostream error/,
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

/** "No space left" about a path below the volume's mount, or one from the project folder, which lies there. */
function onVolume(facts: Facts): { at: number; line: string } | undefined {
  const hit = lastHit(facts.lines, ...space);
  return hit !== undefined && placeOf(hit, facts) === 'volume' ? hit : undefined;
}

/** So many of the last lines of code are looked at: they name what was written. */
const lastFrames = 12;

function placeOf({ line }: Pick<Hit, 'line'>, facts: Facts): 'volume' | 'disk' | 'unknown' {
  for (const text of [line, ...facts.frames.slice(-lastFrames).toReversed()]) {
    // The line that names a source file says where the code lies, not what it wrote.
    const paths = /^\s*File "/.test(text) ? [] : pathsIn(text);
    const places = new Set(paths.map((path) => diskOf(path, facts)));
    if (places.size === 1) {
      return [...places][0] ?? 'unknown';
    }
  }
  return 'unknown';
}

/** Paths that a message or a line of code names: in quotes, or after a space where they are absolute. */
function pathsIn(text: string): string[] {
  const quoted = [...text.matchAll(/(['"`])((?:(?!\1)[^\s'"`])+)\1/g)].map(([, , path = '']) => path);
  const bare = [...text.matchAll(/(?:^|\s)(\/[^\s:'"]+)/g)].map(([, path = '']) => path);
  return [...quoted, ...bare].filter(
    (path) => /\w/.test(path) && (path.includes('/') || /\.[A-Za-z]\w{1,11}$/.test(path)),
  );
}

/** Every step begins in the project folder, so a path that is not absolute leads to the volume. */
function diskOf(path: string, { evidence: { mount = '/workspace' } }: Facts): 'volume' | 'disk' {
  return !path.startsWith('/') && !path.startsWith('~')
    ? 'volume'
    : path === mount || path.startsWith(`${mount}/`)
      ? 'volume'
      : 'disk';
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
    const hit = lastHit(facts.lines, ...space, ...unsaid);
    if (hit === undefined || facts.reasons.some((r) => workerFull.test(r))) {
      return undefined;
    }
    if (unsaid.some((pattern) => pattern.test(hit.line))) {
      return eitherFinding(hit, 'torch could not write a file to its end: most likely a disk of the pod is full.');
    }
    const place = placeOf(hit, facts);
    return place === 'volume' ? undefined : place === 'disk' ? diskFinding(facts, hit) : eitherFinding(hit);
  },
};

function diskFinding({ evidence: { project } }: Facts, hit: Hit): Finding {
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
  return {
    at: hit.at,
    what: "The pod's container disk is full.",
    evidence: [shown(hit.line)],
    why: 'Caches (such as ~/.cache/huggingface), temporary files and packages lie on the container disk.',
    next: `${change?.text ?? 'Give the pod more container disk ("target.disk").'} Or let caches lie on the volume, for example with HF_HOME.`,
    change,
  };
}

/** Nothing says where the step wrote, and a change of the wrong disk would cost money and help nothing. */
function eitherFinding(hit: Hit, what = "A disk of the pod is full: the volume's or the container's."): Finding {
  return {
    at: hit.at,
    what,
    evidence: [shown(hit.line)],
    why: 'What a step writes below the project folder, also by a relative path, lies on the volume; caches (such as ~/.cache/huggingface), temporary files and packages lie on the container disk. The message does not say which was written.',
    next: 'If it wrote results or checkpoints, grow the volume or delete what is old on it; if it filled a cache or /tmp, give the pod more container disk ("target.disk") or let caches lie on the volume, for example with HF_HOME.',
    change: null,
  };
}

/**
 * Characters that no name is shown with: control characters, line and paragraph separators, invisible and
 * direction-changing ones, and halves of surrogate pairs, which stand for bytes that are not UTF-8.
 */
const hidden = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu;

/** A name from the far end as it may be shown: what could deceive the eye is written as `\u{202e}`. */
export function visibleName(name: string): string {
  return name.replace(hidden, (c) => `\\u{${(c.codePointAt(0) ?? 0).toString(16)}}`);
}

/** Whether a name shows as it is; only such a file may become the title of an editor or a file of this machine. */
export function isPlainName(name: string): boolean {
  return visibleName(name) === name;
}

/** What may be deleted of a volume: a job's directory only when its job has ended. */
export type Deletable = { kind: 'free' } | { kind: 'job'; job: string } | { kind: 'protected' };

/** @param path relative to the volume */
export function deletable(path: string): Deletable {
  const parts = path.split('/');
  if (!parts.includes('.runpod-trainer')) {
    return { kind: 'free' };
  }
  const [own, jobs, job, ...below] = parts;
  return own === '.runpod-trainer' && jobs === 'jobs' && job !== undefined && below.length === 0
    ? { kind: 'job', job }
    : { kind: 'protected' };
}

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

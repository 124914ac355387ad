import { randomInt } from 'node:crypto';

const alphabet = '23456789abcdefghjkmnpqrstuvwxyz';

/** `<project>-<yyyymmdd>-<hhmmss>-<4 random>`, UTC: sorts by time and is safe as a file name and in a pod's name. */
export function newJobId(project: string, now = new Date()): string {
  const stamp = now.toISOString().replace(/[-:]/g, '').replace('T', '-').slice(0, 15);
  const random = Array.from({ length: 4 }, () => alphabet[randomInt(alphabet.length)]).join('');
  return `${project}-${stamp}-${random}`;
}

const idPattern = '.+-(\\d{8}-\\d{6})-[a-z0-9]{4}';

/** When a job was started, `yyyymmdd-hhmmss` in UTC, by its id; undefined for what is no id of a job. */
export function jobTime(job: string): string | undefined {
  return new RegExp(`^${idPattern}$`).exec(job)?.[1];
}

/** Whether a job is one of the project; another project's name may begin with this one's. */
export function isJobOf(project: string, job: string): boolean {
  return job.startsWith(`${project}-`) && /^-\d{8}-\d{6}-\w+$/.test(job.slice(project.length));
}

/** The job that something was made for, by its name. */
export function jobOfName(name: string): string | undefined {
  return new RegExp(`^${podPrefix}(${idPattern})(?:[- ]|$)`).exec(name)?.[1];
}

/** Pods of this product are known by this prefix, in any list and from any machine. */
export const podPrefix = 'rpt-';

export function podName(job: string): string {
  return `${podPrefix}${job}`;
}

/** Name of the small pod through which a job's results are fetched when its own is gone. */
export function helperName(job: string): string {
  return `${podName(job)}-fetch`;
}

/** Environment variable of a pod that names the job it was rented for. */
export const jobVariable = 'RUNPOD_TRAINER_JOB';
/** Environment variable of a pod that names the project it was rented for. */
export const projectVariable = 'RUNPOD_TRAINER_PROJECT';
/** Environment variable of a pod that carries files or answers questions: what for. */
export const helperVariable = 'RUNPOD_TRAINER_HELPER';

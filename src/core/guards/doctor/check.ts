import { CancelledError, messageOf, UserError } from '../../errors.ts';
import type { Remedy } from '../../remedy.ts';
import type { Installation } from '../../home/installation.ts';
import type { JobRecord } from '../../journal/records.ts';
import type { Pod } from '../../runpod/schemas.ts';
import type { SshConnection } from '../../ssh/index.ts';

export const checkIds = [
  'key',
  'pod',
  'port',
  'tcp',
  'host-key',
  'login',
  'exec',
  'sftp',
  'forward',
  'disk',
  'volume',
  'gpu',
  'python',
  'clock',
] as const;
export type CheckId = (typeof checkIds)[number];

/** `unknown`: it could not be told, and what follows may still work. */
export type CheckStatus = 'ok' | 'failed' | 'skipped' | 'unknown';

/** What one check found. */
export interface Finding {
  status: CheckStatus;
  /** What was seen, in one sentence. */
  seen: string;
  /** What to do, in plain words; every failed check has one. */
  next?: string | undefined;
  /** Acts that help. */
  remedies?: readonly Remedy[] | undefined;
}

/** One check as it is shown. */
export interface Check extends Finding {
  id: CheckId;
  title: string;
  /** How long it took, in milliseconds. */
  ms: number;
}

/** A pod by its id or name, or the pod of a job. */
export type Subject = { pod: string } | { record: JobRecord };

/** What the checks know so far; each adds what the later ones need. */
export interface Visit {
  installation: Pick<Installation, 'client' | 'restUrl' | 'key' | 'hostKeys' | 'workerFile'>;
  subject: Subject | undefined;
  pod?: Pod;
  connection?: SshConnection;
  /** Port on which the pod's sshd listens, seen from inside. */
  innerPort?: number;
}

export interface Probe {
  id: CheckId;
  title: string;
  /** Checks without which this one makes no sense; it is skipped unless they are `ok` or `unknown`. */
  needs: readonly CheckId[];
  run: (visit: Visit, signal: AbortSignal) => Promise<Finding>;
}

export const ok = (seen: string): Finding => ({ status: 'ok', seen });
export const unknown = (seen: string, next?: string): Finding => ({ status: 'unknown', seen, next });
export const skipped = (seen: string): Finding => ({ status: 'skipped', seen });
export const failed = (seen: string, next: string, remedies?: readonly Remedy[]): Finding => ({
  status: 'failed',
  seen,
  next,
  ...(remedies !== undefined && remedies.length > 0 && { remedies }),
});

/** The finding that a thrown error amounts to. */
export function failedBy(error: unknown): Finding {
  if (error instanceof UserError) {
    const seen = [error.what, error.why].filter(Boolean).join(' ');
    return failed(seen, error.next ?? 'Try again.', error.remedies);
  }
  return failed(messageOf(error), 'Try again; if it stays so, report it with this text.');
}

/** Longest time of one check, in milliseconds. */
const limitMs = 20_000;

/** Runs one check within its limit of time. Throws CancelledError only when `signal` aborts. */
export async function runProbe(probe: Probe, visit: Visit, signal: AbortSignal | undefined): Promise<Check> {
  const limit = AbortSignal.timeout(limitMs);
  const started = performance.now();
  let finding: Finding;
  try {
    finding = await probe.run(visit, signal === undefined ? limit : AbortSignal.any([signal, limit]));
  } catch (error) {
    if (signal?.aborted) {
      throw new CancelledError();
    }
    finding = limit.aborted
      ? failed(
          `There was no answer within ${limitMs / 1000} s.`,
          'Try again; if it stays so, check the connection of this machine and look at the log of the pod.',
        )
      : failedBy(error);
  }
  return { id: probe.id, title: probe.title, ms: Math.round(performance.now() - started), ...finding };
}

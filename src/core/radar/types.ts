import type { PodStatus, Volume } from '../runpod/schemas.ts';

/**
 * Whose pod it is: `job`, a job of this computer; `other-machine`, this product's, but this computer knows no job of
 * it; `unknown`, not made by this product.
 */
export type PodOwner = 'job' | 'other-machine' | 'unknown';

/** The job that a pod was rented for. */
export interface PodJob {
  id: string;
  /** Null when only another computer knows. */
  project: string | null;
  /** What this computer's record says, in words; null without a record. */
  state: string | null;
  /** When that record was last written, ISO time; null without a record. */
  recordTime: string | null;
}

/** What ending a pod would do. */
export interface PodAction {
  /** `cancel`: the pod's job is at work, so the job is cancelled, which keeps what it wrote. */
  how: 'terminate' | 'stop' | 'cancel';
  /** What it means, in sentences. */
  text: string;
}

export interface RadarPod {
  pod: { id: string; name: string; status: PodStatus; hardware: string; dataCenter: string | null };
  owner: PodOwner;
  job?: PodJob;
  /** USD while it is as it is; 0 when stopped, null when not told. */
  costPerHour: number | null;
  /** USD a month for a disk that goes on costing, also while the pod is stopped; 0 without one. */
  diskPerMonth: number;
  /** When it was made, ISO time; null when not told. */
  since: string | null;
  /** Why it looks as if nobody uses it; absent when it is at work or nobody can say. */
  idle?: { reason: string };
  action: PodAction;
}

export interface RadarVolume {
  volume: Pick<Volume, 'id' | 'name' | 'dataCenter' | 'size' | 'type'>;
  /** USD; null for a tier whose price only the console shows. */
  pricePerMonth: number | null;
  /** Projects of this computer's jobs that used it; others may use it from elsewhere. */
  usedByProjects: string[];
  /** When the newest of these jobs was started, ISO time. */
  lastUsed: string | null;
  /** Names of pods that have it attached. */
  attachedTo: string[];
}

export interface Radar {
  /** What looks unused first, then by price. */
  pods: RadarPod[];
  volumes: RadarVolume[];
  /** USD of all pods that run; those of unknown price are not in it. */
  totalPerHour: number;
  /** USD of volumes and of stopped pods' disks; volumes of unknown price are not in it. */
  perMonthStorage: number;
  /** Names of pods and volumes whose price is not known. */
  unpriced: string[];
  /** ISO time of the look. */
  at: string;
}

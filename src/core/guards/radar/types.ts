import type { HelperPurpose } from '../../journal/helper-use.ts';
import type { Endpoint, PodStatus, Volume } from '../../runpod/schemas.ts';

/** What a helper pod was rented for. */
export interface HelperOf {
  purpose: HelperPurpose;
  project: string | null;
}

/**
 * Whose it is: `job`, of a job of this computer (an endpoint also: of one of its projects); `helper`, a pod that this computer
 * rented to carry files or to ask the platform; `other-machine`, this
 * product's, but this computer knows no job of it; `unknown`, not made by this product.
 */
export type Owner = 'job' | 'helper' | 'other-machine' | 'unknown';

/** Whether its job still needs it: yes, no, or nobody here can say. */
export type Needed = 'yes' | 'no' | 'unknown';

/** The job that a pod or endpoint was made for. */
export interface OwnerJob {
  id: string;
  /** Null when only another computer knows. */
  project: string | null;
  /** What this computer's record says, else the job's own state on its volume, in words; null without both. */
  state: string | null;
  /** When that was last written, ISO time; null without both. */
  recordTime: string | null;
}

/** What ending a pod would do. */
export interface PodAction {
  /**
   * `cancel`: the pod's job is at work, so the job is cancelled, which keeps what it wrote. `none`: files are on their way
   * through it, and it ends itself afterwards.
   */
  how: 'terminate' | 'stop' | 'cancel' | 'none';
  /** What it means, in sentences. */
  text: string;
}

export interface RadarPod {
  pod: { id: string; name: string; status: PodStatus; hardware: string; dataCenter: string | null };
  owner: Owner;
  job?: OwnerJob;
  helper?: HelperOf;
  needed: Needed;
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

/** What can be done about the cost of an endpoint. */
export interface EndpointAction {
  /** `scale`: no workers any more, the endpoint stays. `none`: there is nothing to save, or its job is at work. */
  how: 'scale' | 'delete' | 'none';
  /** What it means, in sentences. */
  text: string;
}

export interface RadarEndpoint {
  endpoint: Pick<Endpoint, 'id' | 'name' | 'workers'> & { hardware: string };
  owner: Owner;
  job?: OwnerJob;
  /** The project that it was made for; null when that is not known. */
  project: string | null;
  needed: Needed;
  /** USD of the workers that stand by, at most; 0 without any, null when the catalog does not tell. */
  costPerHour: number | null;
  /** The same in a sentence. */
  cost: string;
  /** When it was made, ISO time; null when not told. */
  since: string | null;
  /** Why nobody needs it any more; absent when it is needed or nobody can say. */
  idle?: { reason: string };
  action: EndpointAction;
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
  /** In the same order. */
  endpoints: RadarEndpoint[];
  volumes: RadarVolume[];
  /** USD of all pods that run and all workers that stand by; those of unknown price are not in it. */
  totalPerHour: number;
  /** USD of volumes and of stopped pods' disks; volumes of unknown price are not in it. */
  perMonthStorage: number;
  /** Names of pods, endpoints and volumes whose price is not known. */
  unpriced: string[];
  /** Whether nothing of it is charged. */
  free: boolean;
  /** What could not be looked at, in sentences. */
  notes: string[];
  /** ISO time of the look. */
  at: string;
}

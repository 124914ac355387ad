import type { Faults } from './faults.ts';

/** How a pod is separated from the machine: own mount and process namespaces (root only), or a plain process tree. */
export type Isolation = 'namespace' | 'plain';

/**
 * What the pod-scoped RUNPOD_API_KEY may do; it varies on the platform. `own`: stop, terminate and the like on its own
 * pod, reads are 403. `none`: 403 for everything. `invalid`: 401 for everything.
 */
export type PodKeyRights = 'own' | 'none' | 'invalid';

/** Milliseconds between the stages of a pod's start, as a client sees them. */
export interface Delays {
  /** From creation (PROVISIONING) to STARTING. */
  provisioning: number;
  /** From STARTING to RUNNING with `runtime` null and no SSH address. */
  starting: number;
  /** From RUNNING to a `runtime` without port 22. */
  runtime: number;
  /** From there to `ssh.direct`; the sshd behind it may still refuse. */
  ports: number;
  /** How long an answer shows the old address after a restart, and TERMINATED before 404. */
  stale: number;
  /** From the answer to a stop or terminate until the processes end, so that a pod that ends itself hears the answer. */
  stopping: number;
  /** Pause before a command that exited is started again. */
  restart: number;
}

/** Requests per window and user. */
export interface RateLimits {
  minute: number;
  hour: number;
  day: number;
}

export interface SandboxOptions {
  /** Directory of everything that the sandbox keeps; made when missing. */
  root: string;
  /** Directory put first on PATH inside pods: the image's programs, for example a virtual environment's `bin`. */
  imagePath?: string;
  /** Variables that the image sets for PID 1 (its ENV lines). */
  imageEnv?: Record<string, string>;
  /** Further directories of this machine that belong to the image; only seen with `namespace` isolation. */
  imageFolders?: string[];
  isolation?: Isolation;
  /** Port of the API; default: a free one. */
  port?: number;
  /** Port of the S3 API; default: a free one. */
  s3Port?: number;
  log?: (line: string) => void;
  /** Balance in USD of a new root. Default 100. */
  balance?: number;
  delays?: Partial<Delays>;
  limits?: Partial<RateLimits>;
  podKeyRights?: PodKeyRights;
  /** Whether a running pod's seconds are in the bill before it stops. The platform's bill lags; default false. */
  billRunningPods?: boolean;
  faults?: Faults;
}

export const defaultDelays: Delays = {
  provisioning: 200,
  starting: 200,
  runtime: 200,
  ports: 400,
  stale: 300,
  stopping: 200,
  restart: 1000,
};

/** Far above the platform's published example (60, 3000, 50000), so that only tests that want to meet a limit do. */
export const defaultLimits: RateLimits = { minute: 3000, hour: 100_000, day: 1_000_000 };

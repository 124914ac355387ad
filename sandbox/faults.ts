import type { Problem } from './problem.ts';

/** What a fault may look at before a request reaches its route. */
export interface RequestSeen {
  method: string;
  /** Path with its `/v2` or `/graphql`. */
  path: string;
  /** `account`, or the id of the pod whose key was used. */
  caller: string;
}

/** Hooks at the two places where everything passes: requests and container starts. */
export interface Faults {
  /** Returns a problem to answer instead of serving the request; may wait to delay it. */
  request?: (seen: RequestSeen) => Promise<Problem | undefined> | Problem | undefined;
  /** Runs before a pod's container starts; may wait to delay it, a returned sentence makes the pod an ERROR. */
  podStart?: (pod: { id: string; name: string }) => Promise<string | undefined> | string | undefined;
}

/** Where a job is while it is prepared, runs and is brought home. */
export const phaseWords = {
  check: 'checking',
  local: 'preparing on this machine',
  pod: 'renting a pod',
  wait: 'waiting for the pod',
  transfer: 'uploading',
  start: 'starting',
  run: 'running',
  fetch: 'bringing results home',
  end: 'ending the pod',
  done: 'done',
} as const;

/** How a job stands, as one word of a list. */
export const jobWords = {
  starting: 'starting',
  running: 'running',
  succeeded: 'succeeded',
  failed: 'failed',
  cancelled: 'cancelled',
  lost: 'lost',
  unknown: 'unknown',
  detached: 'detached',
} as const;

/** How a job ended, after its name. */
export const endedWords = {
  succeeded: 'succeeded',
  failed: 'failed',
  cancelled: 'was cancelled',
  lost: 'was lost',
  unknown: 'ended, nobody knows how',
  detached: 'goes on',
} as const;

/** How a step stands. */
export const stepWords = {
  waiting: 'waiting',
  running: 'running',
  passed: 'passed',
  failed: 'failed',
  skipped: 'skipped',
  cancelled: 'cancelled',
  timeout: 'ran out of time',
  unknown: 'not known',
} as const;

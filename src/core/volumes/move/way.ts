export const moveWays = ['pod-to-pod', 'this-machine', 's3'] as const;
/** How the bytes go: from one pod to the other, from pod to pod through this machine, or over S3 on both sides. */
export type MoveWay = (typeof moveWays)[number];
/** The way after a verb: moved from pod to pod. */
export const wayWords = {
  'pod-to-pod': 'from pod to pod',
  'this-machine': 'through this machine',
  s3: 'over S3',
} as const;

/** A pod that a move rents. */
export interface MovePod {
  side: 'source' | 'target';
  dataCenter: string;
  label: string;
  /** USD; null when RunPod does not tell it. */
  costPerHour: number | null;
}

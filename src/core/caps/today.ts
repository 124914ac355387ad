import { meteredCost } from './meter.ts';

/** A pod that costs money, or did; `ended` is unset while it goes on. */
export interface MeteredPod {
  id: string;
  /** ISO time. */
  created: string;
  /** USD. */
  costPerHour: number;
  ended?: string | undefined;
}

/** USD that pods have cost since local midnight, by the clock. A pod that several jobs used is counted once. */
export function spentToday(pods: readonly MeteredPod[], now = new Date()): number {
  const midnight = new Date(now.getFullYear(), now.getMonth(), now.getDate());
  const byId = new Map<string, MeteredPod>();
  for (const pod of pods) {
    const known = byId.get(pod.id);
    byId.set(pod.id, { ...pod, ended: pod.ended ?? known?.ended });
  }
  let sum = 0;
  for (const pod of byId.values()) {
    const from = Date.parse(pod.created) < midnight.getTime() ? midnight.toISOString() : pod.created;
    sum += meteredCost({ created: from, costPerHour: pod.costPerHour }, pod.ended ?? now);
  }
  return sum;
}

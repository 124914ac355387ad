import type { JobRecord } from '../journal/records.ts';
import type { RunPodClient } from '../runpod/client.ts';

/** USD that a pod has cost by the clock: its price per hour times the time since it was created. */
export function meteredCost(
  pod: { created: string; costPerHour: number } | undefined,
  until: string | Date = new Date(),
): number {
  if (pod === undefined) {
    return 0;
  }
  const hours = (new Date(until).getTime() - Date.parse(pod.created)) / 3_600_000;
  return Math.max(0, hours) * pod.costPerHour;
}

export interface CostReport {
  /** By our own meter, in USD. */
  metered: number;
  /** What RunPod has billed so far for the pod, in USD; it lags, so it may be less or missing. */
  billed?: number;
}

/** What a job's pod has cost. The bill is optional: a key without billing rights still gets the meter. */
export async function costOf(client: RunPodClient, record: JobRecord, signal?: AbortSignal): Promise<CostReport> {
  const metered = meteredCost(record.pod, record.podEnded ?? new Date());
  if (record.pod === undefined) {
    return { metered };
  }
  try {
    const bill = await client.billing.pods(
      { podId: record.pod.id, startTime: record.pod.created, bucketSize: 'hour' },
      signal,
    );
    return { metered, billed: bill.totalAmount };
  } catch {
    return { metered };
  }
}

/** A pod that costs money, or did; `ended` is unset while it goes on. */
export interface MeteredPod {
  id: string;
  /** ISO time. */
  created: string;
  /** USD. */
  costPerHour: number;
  ended?: string | undefined;
}

/**
 * USD that pods have cost since local midnight, by the clock. A pod that several jobs used one after the other is counted
 * once, from the first of them on; how it stands now is what the last of them says.
 */
export function spentToday(pods: readonly MeteredPod[], now = new Date()): number {
  const midnight = new Date(now.getFullYear(), now.getMonth(), now.getDate());
  const byId = new Map<string, MeteredPod>();
  for (const pod of pods.toSorted((a, b) => Date.parse(a.created) - Date.parse(b.created))) {
    byId.set(pod.id, { ...pod, created: byId.get(pod.id)?.created ?? pod.created });
  }
  let sum = 0;
  for (const pod of byId.values()) {
    const from = Date.parse(pod.created) < midnight.getTime() ? midnight.toISOString() : pod.created;
    sum += meteredCost({ created: from, costPerHour: pod.costPerHour }, pod.ended ?? now);
  }
  return sum;
}

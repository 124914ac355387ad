import type { JobRecord } from '../../../src/core/journal/records.ts';
import type { BillingRecord } from '../../../src/core/runpod/schemas.ts';

/** A job that had a pod at $2 an hour for an hour from nine o'clock. */
export function job(name: string, more: Partial<JobRecord> = {}): JobRecord {
  return {
    schema: 1,
    job: name,
    project: 'songs',
    file: '/p/training.runpod.json',
    root: '/p',
    restUrl: 'https://api.example/v2',
    volume: { id: 'v1', name: 'songs', dataCenter: 'US-MD-1' },
    pod: pod(`pod-${name}`, at(9)),
    onFinish: 'terminate',
    fetch: [],
    into: 'runpod-results',
    phase: 'done',
    outcome: 'succeeded',
    created: at(9),
    updated: at(10),
    podEnded: at(10),
    ...more,
  };
}

export function pod(id: string, created: string): NonNullable<JobRecord['pod']> {
  return { id, name: `rpt-${id}`, created, hardware: 'L4', costPerHour: 2 };
}

/** A time on 20 November 2026 by this computer's clock. */
export function at(hour: number, minute = 0): string {
  return new Date(2026, 10, 20, hour, minute).toISOString();
}

/** A line of the bill: one pod, one hour. */
export function line(podId: string, hour: number, amount: number): BillingRecord {
  return {
    startTime: at(hour),
    endTime: at(hour + 1),
    podId,
    networkVolumeId: null,
    amounts: { totalAmount: amount },
  };
}

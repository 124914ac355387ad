import type { SshConnection } from '../ssh/index.ts';
import { connectTo, findPod, type Access } from './ready.ts';
import { shortName } from './hardware.ts';
import type { Pod } from '../runpod/schemas.ts';
import { helperName, podName } from '../journal/id.ts';
import type { JobRecord } from '../journal/records.ts';

/** The record with the pod that a killed client had no time to write down, so that what it cost is shown. */
export function withPod(record: JobRecord, pod: Pod): JobRecord {
  const { id, name, createdAt, cost } = pod;
  const found = { id, name, created: createdAt ?? record.created, hardware: hardwareOf(pod), costPerHour: cost ?? 0 };
  return { ...record, pod: record.pod ?? found };
}

/** A pod's hardware for people. */
export function hardwareOf(pod: Pod): string {
  if (pod.gpu !== null) {
    return `${pod.gpu.count > 1 ? `${pod.gpu.count} × ` : ''}${shortName(pod.gpu.id)}`;
  }
  return pod.cpu === null ? 'pod' : `CPU pod${pod.cpu.vcpuCount === null ? '' : `, ${pod.cpu.vcpuCount} vCPU`}`;
}

/**
 * The pods among these that a job rented: the one its record names, one whose id a killed client had no time to write
 * down, and a helper for fetching that a killed client left.
 */
export function podsOf(record: JobRecord, pods: readonly Pod[]): Pod[] {
  const names = [podName(record.job), helperName(record.job)];
  return pods.filter((p) => p.status !== 'TERMINATED' && (p.id === record.pod?.id || names.includes(p.name)));
}

/** A connection to the job's pod, or undefined when that pod is gone. */
export async function reconnect(
  installation: Access,
  record: JobRecord,
  signal?: AbortSignal,
): Promise<SshConnection | undefined> {
  if (record.pod === undefined) {
    return undefined;
  }
  const pod = await findPod(installation.client, record.pod.id, signal);
  const over = pod === undefined || pod.status === 'EXITED' || pod.status === 'ERROR';
  return over ? undefined : connectTo(pod, installation, signal);
}

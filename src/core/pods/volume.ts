import { UserError } from '../errors.ts';
import type { Project } from '../project/schema.ts';
import type { RunPodClient } from '../runpod/client.ts';
import type { Volume } from '../runpod/schemas.ts';

/** What is known of the project's volume before anything is created. */
export type VolumePlan =
  { exists: true; volume: Volume } | { exists: false; name: string; dataCenter: string; size: number };

/**
 * Finds the project's volume by name. Throws a UserError when it lies in another data center than the file says, when
 * several have the name, or when it does not exist and the file does not say where and how large it should be.
 */
export async function planVolume(
  client: RunPodClient,
  wanted: Project['target']['volume'],
  signal?: AbortSignal,
): Promise<VolumePlan> {
  const all = await client.volumes.list(signal);
  const named = all.filter((v) => v.name === wanted.name || v.id === wanted.name);
  const fitting = wanted.dataCenter === undefined ? named : named.filter((v) => v.dataCenter === wanted.dataCenter);
  const [volume, second] = fitting;
  if (volume !== undefined && second === undefined) {
    return { exists: true, volume };
  }
  if (second !== undefined) {
    throw new UserError('volume-ambiguous', {
      what: `${fitting.length} volumes are named "${wanted.name}".`,
      why: 'RunPod allows the same name more than once.',
      next: `Put the id of the right one in place of the name: ${fitting.map((v) => `${v.id} (${v.dataCenter})`).join(', ')}.`,
    });
  }
  const elsewhere = named[0];
  const wantedIn = wanted.dataCenter;
  if (elsewhere !== undefined && wantedIn !== undefined) {
    throw new UserError('volume-elsewhere', {
      what: `The volume "${wanted.name}" is in ${elsewhere.dataCenter}, but the project file says ${wantedIn}.`,
      why: 'A volume stays in its data center for good, and a pod can only use a volume of its own data center.',
      next: `Set "dataCenter" to "${elsewhere.dataCenter}", or choose another volume name to create one in ${wantedIn}.`,
    });
  }
  if (wanted.dataCenter === undefined || wanted.size === undefined) {
    throw new UserError('volume-missing', {
      what: `There is no volume "${wanted.name}" in this account.`,
      next: 'Add "dataCenter" and "size" to "target.volume", so that it can be created, or name an existing volume.',
    });
  }
  await checkDataCenter(client, wanted.dataCenter, signal);
  return { exists: false, name: wanted.name, dataCenter: wanted.dataCenter, size: wanted.size };
}

/** Rejects with `data-center-closed` where no volume can be created today. */
export async function checkDataCenter(client: RunPodClient, id: string, signal?: AbortSignal): Promise<void> {
  const dataCenters = await client.catalog.dataCenters({}, signal);
  const open = dataCenters.filter((d) => d.networkVolumeTypes.length > 0).map((d) => d.id);
  if (!open.includes(id)) {
    const known = dataCenters.some((d) => d.id === id);
    throw new UserError('data-center-closed', {
      what: known ? `No volume can be created in ${id} today.` : `RunPod has no data center "${id}".`,
      next:
        open.length === 0
          ? 'No data center takes a new volume today; try again later.'
          : `Choose one of: ${open.join(', ')}.`,
    });
  }
}

/** Creates the planned volume, or returns the one that exists. */
export async function ensureVolume(client: RunPodClient, plan: VolumePlan, signal?: AbortSignal): Promise<Volume> {
  return plan.exists
    ? plan.volume
    : client.volumes.create({ name: plan.name, dataCenter: plan.dataCenter, size: plan.size }, signal);
}

/** USD per month for a standard volume: $0.07 per GB up to 1 TB, $0.05 beyond (RunPod pricing page). */
export function volumeCostPerMonth(sizeGb: number): number {
  return Math.min(sizeGb, 1000) * 0.07 + Math.max(0, sizeGb - 1000) * 0.05;
}

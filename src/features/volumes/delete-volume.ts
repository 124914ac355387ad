import type * as vscode from 'vscode';
import * as z from 'zod';
import { UserError } from '../../core/errors.ts';
import { pricePerMonth } from '../../core/words/index.ts';
import { volumeCostPerMonth } from '../../core/pods/volume.ts';
import type { RunPodClient } from '../../core/runpod/client.ts';
import type { Pod, Volume } from '../../core/runpod/schemas.ts';
import { valueOf, withProgress } from '../common/progress.ts';

/** A volume's row. */
const rowSchema = z.object({ id: z.string() });

/**
 * Deletes a volume with everything on it, when no pod has it and its name was typed. Answers what is gone; undefined
 * when the user gave up.
 */
export async function deleteVolume(
  vs: typeof vscode,
  client: RunPodClient,
  target: unknown,
): Promise<Volume | undefined> {
  const looked = await withProgress(vs, { title: 'Looking who needs the volume…', where: 'window' }, (signal) =>
    Promise.all([client.volumes.list(signal), client.pods.list(signal)]),
  );
  const [volumes, pods] = valueOf(looked);
  const volume = volumes.find(({ id }) => id === rowSchema.safeParse(target).data?.id);
  if (volume === undefined) {
    throw new UserError('no-volume', {
      what: 'No volume was chosen.',
      next: 'Use the menu of a volume in the Volumes view.',
    });
  }
  refuseInUse(volume, pods);
  const { name, dataCenter, size } = volume;
  const typed = await vs.window.showInputBox({
    title: `Delete Volume ${name} (${dataCenter}, ${size} GB)`,
    prompt: `Everything on it is lost for good: nobody keeps a copy. It ends what it costs: ${pricePerMonth(volumeCostPerMonth(size), client.free)}. Type ${name} to delete it.`,
    placeHolder: name,
    ignoreFocusOut: true,
    validateInput: (text) => (text === '' || name.startsWith(text) ? undefined : `This is not ${name}.`),
  });
  if (typed !== name) {
    return undefined;
  }
  valueOf(
    await withProgress(vs, { title: `Deleting ${name}`, where: 'window' }, (signal) =>
      client.volumes.delete(volume.id, signal),
    ),
  );
  vs.window.setStatusBarMessage(`$(trash) Deleted the volume ${name} in ${dataCenter}`, 8000);
  return volume;
}

/** RunPod refuses as well, without saying which pod it is. */
function refuseInUse({ id, name }: Volume, pods: readonly Pod[]): void {
  const users = pods.filter((p) => p.status !== 'TERMINATED' && p.mounts.network.some((m) => m.volumeId === id));
  if (users.length > 0) {
    throw new UserError('volume-in-use', {
      what: `The volume ${name} was not deleted.`,
      why: `${users.map((pod) => pod.name || pod.id).join(', ')} ${users.length === 1 ? 'has' : 'have'} it.`,
      next: 'Terminate the pod first, or cancel its job.',
    });
  }
}

import { secretsFound } from '../core/files/leaving.ts';
import { byteText, count, duration, firstNames, pricePerHour, pricePerMonth } from '../core/words/index.ts';
import { planVolume, volumeCostPerMonth } from '../core/pods/volume.ts';
import { runSync, type SyncResult } from '../core/volumes/sync.ts';
import { askAdopt, confirm } from './ask.ts';
import { makeInstallation } from './context.ts';
import { exitCodes } from './exit.ts';
import { onInterrupt } from './interrupt.ts';
import { makeOutput } from './output.ts';
import { planCommand, planProject, projectOf, type PlanCommandOptions } from './plan.ts';
import { planText } from './plan-text.ts';

export interface SyncCommandOptions extends PlanCommandOptions {
  dryRun?: boolean;
  replace?: boolean;
  adopt?: boolean;
  yes?: boolean;
}

/** Brings the project's files to its volume; with `--dry-run` it shows the plan and stops. */
export async function syncCommand(file: string | undefined, options: SyncCommandOptions): Promise<number> {
  if (options.dryRun === true) {
    return planCommand(file, options);
  }
  const output = makeOutput(options);
  const interrupt = onInterrupt({ mayHoldPod: true });
  const { signal } = interrupt;
  const yes = options.yes === true;
  try {
    const installation = await makeInstallation(options);
    const loaded = await projectOf(file, options.profile);
    const prepared = await planProject(loaded, installation, options, signal);
    output.note(`${planText(prepared.plan, output.style, { width: output.width, all: options.all === true })}\n`);
    if (prepared.plan.secrets.length > 0) {
      // Before anything is asked.
      throw secretsFound(prepared.plan.secrets);
    }
    const volume = await planVolume(installation.client, loaded.project.target.volume, signal);
    if (!volume.exists) {
      const price = pricePerMonth(volumeCostPerMonth(volume.size), installation.client.free);
      const text = `Create the volume ${volume.name} with ${volume.size} GB in ${volume.dataCenter} (${price})? It stays in its data center for good.`;
      await confirm(text, yes);
    }
    if (prepared.plan.deletes.length > 0) {
      await confirm(`Delete ${count(prepared.plan.deletes.length, 'file')} on the volume?`, yes);
    }
    const result = await runSync(installation, loaded, prepared, {
      replace: options.replace === true ? 'all' : undefined,
      confirm: async (offer) => {
        const price = pricePerHour(offer.costPerHour, installation.client.free);
        await confirm(`Rent a ${offer.label} (${price}) for the time of the transfer?`, yes);
        return true;
      },
      adopt: askAdopt(options.adopt, yes),
      onEvent: output.onEvent,
      signal,
    });
    if (result !== undefined) {
      output.result({ type: 'synced', ...result }, resultText(result));
    }
    return exitCodes.succeeded;
  } finally {
    interrupt.stop();
  }
}

function resultText({ route, sent, bytes, deleted, left, seconds, volume }: SyncResult): string {
  const done =
    sent === 0 ? 'Everything was there already' : `${count(sent, 'file')} (${byteText(bytes)}) in ${duration(seconds)}`;
  return [
    `Synced    ${done}, over ${route}, to ${volume.name} in ${volume.dataCenter}.`,
    ...(deleted > 0 ? [`Deleted   ${count(deleted, 'file')} that the project does not have any more.`] : []),
    ...(left.length > 0
      ? [
          `Left      ${count(left.length, 'file')} that changed on both sides: ${firstNames(left)}. With --replace what is here goes in their place.`,
        ]
      : []),
  ].join('\n');
}

import type * as vscode from 'vscode';
import type { UserError } from '../../core/errors.ts';
import { count, dollars, forPrice, pricePerHour } from '../../core/words/index.ts';
import type { Candidate } from '../../core/pods/hardware.ts';
import { volumeCostPerMonth, type VolumePlan } from '../../core/pods/volume.ts';
import { visibleName } from '../../core/volumes/browse/names.ts';

/** Paths in the question whether to delete. */
const shown = 10;

/** Asks before a volume is made, since it costs money and stays where it is. */
export async function mayCreate(vs: typeof vscode, volume: VolumePlan, free: boolean): Promise<boolean> {
  if (volume.exists) {
    return true;
  }
  const button = `Create ${forPrice(`${dollars(volumeCostPerMonth(volume.size))} a Month`, free)}`;
  return ask(
    vs,
    `Create the volume ${volume.name} with ${volume.size} GB in ${volume.dataCenter}?`,
    'The project goes there. The volume costs this until it is deleted, and stays in its data center for good.',
    button,
  );
}

/** Asks before files are deleted on the volume. */
export async function mayDelete(vs: typeof vscode, paths: readonly string[]): Promise<boolean> {
  if (paths.length === 0) {
    return true;
  }
  const named = paths.slice(0, shown).map(visibleName);
  const more = paths.length > shown ? [`and ${paths.length - shown} more`] : [];
  return ask(
    vs,
    `Delete ${count(paths.length, 'file')} on the volume?`,
    ['The project does not have them any more:', ...named, ...more].join('\n'),
    `Delete ${count(paths.length, 'File')}`,
  );
}

/** Asks before a pod is rented to carry the files. */
export async function mayRent(vs: typeof vscode, project: string, offer: Candidate, free: boolean): Promise<boolean> {
  const price = pricePerHour(offer.costPerHour, free);
  return ask(
    vs,
    `Rent a ${offer.label} to sync ${project}?`,
    `It carries the files to the volume and is terminated at once, also when the sync fails or this window closes. Its price: ${price} while it runs, a few minutes and the time of the transfer.`,
    `Rent and Sync ${forPrice(pricePerHour(offer.costPerHour, false), free)}`,
  );
}

/** Asks whether files that turned out to have changed on the volume are replaced; nothing has been sent yet. */
export async function mayReplace(vs: typeof vscode, { message }: UserError): Promise<boolean> {
  return ask(vs, 'Replace files that changed on the volume?', message, 'Replace and Sync');
}

async function ask(vs: typeof vscode, question: string, detail: string, button: string): Promise<boolean> {
  return (await vs.window.showWarningMessage(question, { modal: true, detail }, button)) === button;
}

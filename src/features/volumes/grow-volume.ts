import type * as vscode from 'vscode';
import * as z from 'zod';
import { UserError } from '../../core/errors.ts';
import { volumeCostPerMonth } from '../../core/pods/volume.ts';
import type { RunPodClient } from '../../core/runpod/client.ts';
import { priced, pricePerMonth } from '../../core/words/index.ts';
import { valueOf, withProgress } from '../common/progress.ts';

const wishSchema = z.object({ id: z.string(), size: z.int().optional() });
const largest = 4096;

/** Enlarges a volume after saying what it will cost; asks how large where that is not known. */
export async function growVolume(vs: typeof vscode, client: RunPodClient, target: unknown): Promise<boolean> {
  const wish = wishSchema.safeParse(target).data;
  if (wish === undefined) {
    throw new UserError('no-volume', {
      what: 'No volume was chosen.',
      next: 'Use the menu of a volume in the Volumes view.',
    });
  }
  const volume = await client.volumes.get(wish.id);
  const size = wish.size ?? (await askSize(vs, volume));
  if (size === undefined) {
    return false;
  }
  const button = `Enlarge to ${size} GB`;
  const price = (gb: number): string => priced(`about ${pricePerMonth(volumeCostPerMonth(gb), false)}`, client.free);
  const detail = `It has ${volume.size} GB (${price(volume.size)}); with ${size} GB: ${price(size)}. A volume can grow, never shrink.`;
  if ((await vs.window.showWarningMessage(`Enlarge ${volume.name}?`, { modal: true, detail }, button)) !== button) {
    return false;
  }
  valueOf(
    await withProgress(vs, { title: `Enlarging ${volume.name}…`, where: 'window' }, (signal) =>
      client.volumes.update(wish.id, { size }, signal),
    ),
  );
  vs.window.setStatusBarMessage(`$(check) ${volume.name} has ${size} GB`, 8000);
  return true;
}

async function askSize(vs: typeof vscode, { name, size }: { name: string; size: number }): Promise<number | undefined> {
  const text = await vs.window.showInputBox({
    title: `Grow Volume ${name}`,
    prompt: `New size in GB, above ${size} and at most ${largest}. A volume can grow, never shrink.`,
    value: String(Math.min(largest, size * 2)),
    ignoreFocusOut: true,
    validateInput: (entered) => sizeFault(entered, size),
  });
  return text === undefined ? undefined : Number(text);
}

/** Why a text is no size to which a volume can grow. */
export function sizeFault(text: string, from: number): string | undefined {
  const size = Number(text.trim());
  return /^\d+$/.test(text.trim()) && size > from && size <= largest
    ? undefined
    : `A whole number above ${from}, at most ${largest}.`;
}

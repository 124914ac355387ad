import type * as vscode from 'vscode';
import * as z from 'zod';
import { priced, pricePerMonth } from '../../core/words/index.ts';
import { volumeCostPerMonth } from '../../core/pods/volume.ts';
import type { Installation } from '../../core/home/installation.ts';
import type { Account } from '../account/account.ts';
import { valueOf, withProgress } from '../common/progress.ts';
import { loadFromEditor } from '../projectfile/edit.ts';

export interface CreateContext {
  vs: typeof vscode;
  account: Account;
  installation: () => Promise<Installation>;
  /** Pods or volumes may have changed. */
  refresh: () => void;
}

/** What may be known beforehand. */
const wishSchema = z.object({
  dataCenter: z.string().max(100).optional(),
  size: z.number().int().optional(),
});

const title = 'Create Volume';
const smallest = 10;
const largest = 4096;

/** Asks where, how it is called and how large, and makes a network volume. Answers whether it was made. */
export async function createVolume(context: CreateContext, target: unknown): Promise<boolean> {
  const { vs, account, installation, refresh } = context;
  account.requireTrust();
  const wish = wishSchema.safeParse(target).data ?? {};
  const file = typeof target === 'object' && target !== null && 'file' in target ? target.file : undefined;
  const here = await installation();
  const dataCenter = wish.dataCenter ?? (await chooseDataCenter(vs, here));
  if (dataCenter === undefined) {
    return false;
  }
  const known = file instanceof vs.Uri ? (await loadFromEditor(vs, file)).project.target.volume.name : undefined;
  const name = await vs.window.showInputBox({
    title,
    prompt: `Name of the volume in ${dataCenter}. A project finds its volume by this name.`,
    value: known ?? '',
    ignoreFocusOut: true,
    validateInput: (text) => (text.trim() === '' ? 'A name is needed.' : undefined),
  });
  if (name === undefined) {
    return false;
  }
  const text = await vs.window.showInputBox({
    title,
    prompt: `Size in GB, ${smallest} to ${largest}. Twice the data leaves room for checkpoints; it can grow later, never shrink.`,
    value: String(wish.size ?? smallest),
    ignoreFocusOut: true,
    validateInput: (entered) =>
      /^\d+$/.test(entered.trim()) && Number(entered) >= smallest && Number(entered) <= largest
        ? undefined
        : `A whole number from ${smallest} to ${largest}.`,
  });
  if (text === undefined) {
    return false;
  }
  const size = Number(text);
  const detail = `Its price as a standard volume, whether a pod uses it or not: ${priced(`about ${pricePerMonth(volumeCostPerMonth(size), false)}`, account.free)}. Its region is for good: it stays in ${dataCenter}, and only pods there can use it.`;
  const question = `Create the volume ${name.trim()} with ${size} GB in ${dataCenter}?`;
  if ((await vs.window.showWarningMessage(question, { modal: true, detail }, title)) !== title) {
    return false;
  }
  const doing = { title: `Creating ${name.trim()}…`, where: 'window' as const };
  const made = await withProgress(vs, doing, (signal) =>
    here.client.volumes.create({ name: name.trim(), dataCenter, size }, signal),
  );
  refresh();
  const volume = valueOf(made);
  vs.window.setStatusBarMessage(`$(check) ${volume.name}: ${volume.size} GB in ${volume.dataCenter}`, 8000);
  return true;
}

async function chooseDataCenter(vs: typeof vscode, here: Installation): Promise<string | undefined> {
  const { advise } = await import('../../core/guards/advisor/index.ts');
  const advice = valueOf(
    await withProgress(vs, { title: 'Reading the data centers…', where: 'window' }, (signal) =>
      advise(here, { dataBytes: 0 }, signal),
    ),
  );
  const items = advice.rows
    .filter((row) => row.canCreateVolume)
    .map((row) => ({ label: row.dataCenter, description: row.name, detail: row.reason }));
  const placeHolder = 'In which data center? It stays there for good.';
  return (await vs.window.showQuickPick(items, { title, placeHolder, matchOnDetail: true }))?.label;
}

import type * as vscode from 'vscode';
import type { Memory } from '../account/account.ts';

/** Copies of samples on this machine, by their address; the newest 100. */
const copiesKey = 'sampleCopies';
/** The copy that the next window to open shows. */
const showKey = 'sampleToShow';

/** Remembers a copy; the window that opens it next shows it. */
export async function noteCopy(memory: Memory, address: string, show: boolean): Promise<void> {
  await memory.update(copiesKey, [
    ...copies(memory)
      .filter((one) => one !== address)
      .slice(-99),
    address,
  ]);
  await memory.update(showKey, show ? address : undefined);
}

/** Whether this window has a copy open. */
export function hasCopyOpen(vs: Pick<typeof vscode, 'workspace'>, memory: Memory): boolean {
  return copies(memory).some((address) => isOpen(vs, address));
}

/** The copy that this window was opened for, once. */
export async function takeShown(vs: Pick<typeof vscode, 'workspace'>, memory: Memory): Promise<string | undefined> {
  const address = memory.get(showKey);
  if (typeof address !== 'string' || !isOpen(vs, address)) {
    return undefined;
  }
  await memory.update(showKey, undefined);
  return address;
}

export function isOpen(vs: Pick<typeof vscode, 'workspace'>, address: string): boolean {
  return (vs.workspace.workspaceFolders ?? []).some((folder) => folder.uri.toString() === address);
}

function copies(memory: Memory): string[] {
  const stored = memory.get(copiesKey);
  return Array.isArray(stored) ? stored.filter((one) => typeof one === 'string') : [];
}

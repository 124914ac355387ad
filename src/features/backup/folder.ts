import type * as vscode from 'vscode';
import { readdir } from 'node:fs/promises';
import path from 'node:path';
import * as z from 'zod';
import { readIfThere } from '../../core/files/atomic.ts';
import { byteText, count } from '../../core/words/index.ts';
import { parseJson } from '../../core/json.ts';
import type { LoadedProject } from '../../core/project/load.ts';

const reportSchema = z.object({ finished: z.string(), files: z.number(), bytes: z.number() });

/** Where a backup of the project goes; undefined when the user gave up. */
export async function chooseFolder(vs: typeof vscode, loaded: LoadedProject): Promise<string | undefined> {
  const { name } = loaded.project;
  const own = path.join(loaded.root, 'runpod-backup', name);
  const items = [
    {
      label: `$(folder) ${path.join(path.basename(loaded.root), 'runpod-backup', name)}`,
      detail: `In the project's folder, and never uploaded. ${await lastText(own)}`,
      own: true,
    },
    { label: '$(folder-opened) Another Folder…', detail: 'Such as a disk for backups.', own: false },
  ];
  const placeHolder = `Where shall everything of ${name} on its volume be kept?`;
  const chosen = await vs.window.showQuickPick(items, { title: 'Back Up Project', placeHolder });
  if (chosen === undefined || chosen.own) {
    return chosen && own;
  }
  const [picked] =
    (await vs.window.showOpenDialog({
      canSelectFiles: false,
      canSelectFolders: true,
      openLabel: 'Back Up Here',
      title: `Back Up ${name} To`,
    })) ?? [];
  return picked && placeIn(picked.fsPath, name);
}

/** The folder itself where it is empty or has a backup already; else one in it, so that nothing is mixed. */
export async function placeIn(folder: string, project: string): Promise<string> {
  const there: string[] = await readdir(folder).catch(() => []);
  return there.length === 0 || there.includes('BACKUP.json') ? folder : path.join(folder, project);
}

async function lastText(folder: string): Promise<string> {
  const text = await readIfThere(path.join(folder, 'BACKUP.json'));
  const last = text === undefined ? undefined : reportSchema.safeParse(parseJson(text)).data;
  if (last === undefined) {
    return 'No backup is there yet.';
  }
  const at = new Date(last.finished).toLocaleString();
  return `The last one, of ${at}, has ${count(last.files, 'file')} (${byteText(last.bytes)}); only what changed is fetched.`;
}

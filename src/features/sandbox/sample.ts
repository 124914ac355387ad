import type * as vscode from 'vscode';
import { homedir } from 'node:os';
import { join } from 'node:path';
import type { Memory } from '../account/account.ts';
import { press } from '../common/remedies.ts';
import { commands, views } from '../ids.ts';
import { isOpen, noteCopy } from './sample-copies.ts';

const title = 'Try the Sample Project';
const projectFile = 'training.runpod.json';

export interface Sample {
  /** Below `examples`. */
  folder: string;
  /** What a copy in the home folder is called. */
  copy: string;
  /** Whether its steps need packages that a plain Python lacks. */
  packages: boolean;
}

const tiny: Sample = { folder: 'tiny', copy: 'runpod-trainer-tiny', packages: false };
const rainbow: Sample = { folder: 'rainbow', copy: 'runpod-trainer-sample', packages: true };

/** Which sample; undefined when the user gave up. */
export async function chooseSample(vs: typeof vscode): Promise<Sample | undefined> {
  const items = [
    {
      label: '$(zap) Tiny',
      description: 'seconds, nothing to install',
      detail: 'Three steps in plain Python: points, a fitted line, a report. A gate after each.',
      sample: tiny,
    },
    {
      label: '$(beaker) Rainbow',
      description: 'minutes, with PyTorch (1 to 6 GB where it is not installed yet)',
      detail: 'Extraction here, embedding and four notebooks on the pod, with metrics and checkpoints.',
      sample: rainbow,
    },
  ];
  const placeHolder = 'Both run in the local sandbox, for free. Which one?';
  return (await vs.window.showQuickPick(items, { title, placeHolder, matchOnDetail: true }))?.sample;
}

/** The window's own folder when it is empty, else a folder in the user's home. */
export async function targetOf(vs: typeof vscode, sample: Sample): Promise<vscode.Uri> {
  const [folder, ...others] = vs.workspace.workspaceFolders ?? [];
  const isOwn = folder?.uri.scheme === 'file' && others.length === 0 && (await isEmpty(vs, folder.uri));
  return isOwn ? folder.uri : vs.Uri.file(join(homedir(), sample.copy));
}

async function isEmpty(vs: typeof vscode, folder: vscode.Uri): Promise<boolean> {
  const names = (await vs.workspace.fs.readDirectory(folder)).map(([name]) => name);
  return names.every((name) => ['.git', '.vscode', '.DS_Store'].includes(name));
}

/** Puts a sample into a folder, and opens that where it is not open yet. */
export async function openSample(vs: typeof vscode, memory: Memory, source: string, target: vscode.Uri): Promise<void> {
  const there = await vs.workspace.fs.stat(vs.Uri.joinPath(target, projectFile)).then(
    () => true,
    () => false,
  );
  if (!there) {
    const from = vs.Uri.file(source);
    await vs.workspace.fs.createDirectory(target);
    for (const [name] of await vs.workspace.fs.readDirectory(from)) {
      await vs.workspace.fs.copy(vs.Uri.joinPath(from, name), vs.Uri.joinPath(target, name), { overwrite: false });
    }
  }
  const address = target.toString();
  const shown = isOpen(vs, address);
  await noteCopy(memory, address, !shown);
  if (shown) {
    await showSample(vs, target);
  } else {
    await vs.commands.executeCommand('vscode.openFolder', target, { forceReuseWindow: true });
  }
}

/** The project file beside the Jobs view, and what comes next. */
export async function showSample(vs: typeof vscode, folder: vscode.Uri): Promise<void> {
  const document = await vs.workspace.openTextDocument(vs.Uri.joinPath(folder, projectFile));
  await vs.window.showTextDocument(document, { preview: false });
  await vs.commands.executeCommand(`${views.jobs}.focus`, { preserveFocus: true });
  const run = { title: 'Run Pipeline…', command: commands.run, arguments: [document.uri] };
  const text = `The sample is ready: ${projectFile} says what runs. Run it: in the sandbox it is free.`;
  void vs.window
    .showInformationMessage(text, run.title)
    .then((chosen) => press(vs, chosen === undefined ? undefined : run));
}

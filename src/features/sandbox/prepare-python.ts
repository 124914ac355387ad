import type * as vscode from 'vscode';
import { join } from 'node:path';
import { messageOf } from '../../core/errors.ts';
import { valueOf, withProgress } from '../common/progress.ts';
import type { Settings } from '../common/settings.ts';
import { createEnvironment, missingModules } from './sample-python.ts';

export interface PythonOptions {
  settings: Settings;
  /** Folder of the extension for what it keeps on this machine. */
  storage: string;
  requirements: string;
  /** The worker's single file. */
  workerFile: string;
}

/**
 * Sees to it that the chosen Python can run the sample, with the user's consent. Answers false when they gave up;
 * `changed` tells that another Python was set.
 */
export async function preparePython(
  vs: typeof vscode,
  options: PythonOptions,
): Promise<{ ready: boolean; changed: boolean }> {
  const { settings, workerFile } = options;
  for (let changed = false; ; changed = true) {
    const problem = await problemOf(settings.python, workerFile);
    if (problem === undefined) {
      return { ready: true, changed };
    }
    const create = 'Create an Environment';
    const choose = 'Choose Interpreter…';
    const detail = `${problem}\n\nAn environment for the sample takes 1 to 6 GB, depending on the build of PyTorch that can be had, in this extension's own folder. Your other Pythons stay as they are.`;
    const chosen = await vs.window.showWarningMessage(
      `The sample needs packages that ${settings.python} does not have.`,
      { modal: true, detail },
      create,
      choose,
    );
    const python = chosen === create ? await made(vs, options) : chosen === choose ? await picked(vs) : undefined;
    if (python === undefined) {
      return { ready: false, changed };
    }
    await settings.setPython(python);
  }
}

async function problemOf(python: string, workerFile: string): Promise<string | undefined> {
  try {
    const missing = await missingModules(python, workerFile);
    return missing.length === 0 ? undefined : `Missing: ${missing.join(', ')}.`;
  } catch (error) {
    return messageOf(error);
  }
}

async function made(
  vs: typeof vscode,
  { settings, storage, requirements, workerFile }: PythonOptions,
): Promise<string> {
  const folder = join(storage, 'sample-python');
  const title = 'Creating an environment for the sample';
  return valueOf(
    await withProgress(vs, { title }, async (signal, report) => {
      // A broken choice must not stand in the way of making a good one.
      const python = await missingModules(settings.python, workerFile).then(
        () => settings.python,
        () => 'python3',
      );
      return createEnvironment({ python, folder, requirements, signal, report });
    }),
  );
}

async function picked(vs: typeof vscode): Promise<string | undefined> {
  const title = 'Choose the Python for Steps on This Machine';
  const chosen = await vs.window.showOpenDialog({ title, openLabel: 'Use This Python' });
  return chosen?.[0]?.fsPath;
}
